"""What the three packages share and none of them owns: files, parameter checks, threads, memory, source digests.

``benchmark``, ``baselines`` and ``cnn`` never import each other; each may import this, which imports nothing of theirs.
"""
