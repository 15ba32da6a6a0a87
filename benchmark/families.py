"""The families of contenders: the two sides of the question, and what stands beside them."""

HAND, DEEP, SHALLOW, FLOOR, OTHER = "hand-engineered", "deep", "learned, shallow", "floor", "other"
FAMILIES = (HAND, DEEP, SHALLOW, FLOOR, OTHER)
