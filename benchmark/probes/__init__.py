"""Probes: further questions to a fitted contender, one file each.

A probe has either ``views(images)``, which yields (condition, changed images) pairs that the contender ranks as it
ranked the plain ones, or ``ask(contender, images, labels)``, which asks questions of its own and returns tables. An
attribute ``images`` says how many validation images it wants.

A change of an image, ``change(image) -> image`` or, with the attribute ``takes_index`` true, ``change(image, i)``, maps
(H, W, 3) uint8 RGB to the same. Random numbers of image i come from a generator seeded by i, so that an image is
changed in the same way whatever the order, the batch or the thread it comes in.
"""
