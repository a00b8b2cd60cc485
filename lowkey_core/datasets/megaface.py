"""MegaFace (Kemelmacher-Shlizerman et al. 2016), MF2 (Nech and Kemelmacher-Shlizerman 2017), and
trees like them: people's folders below folders of groups, however deep.

`megaface:FOLDER`: a picture is of the person whose folder it is right in, who is called by the
folder's path: two groups may have folders of one name. `megaface:FOLDER:distractors=on`: the tree
has no identities, and each picture is of one more person, wherever it is.
"""

from __future__ import annotations

from lowkey_core.datasets import Dataset, folder


def build(root: str, distractors: bool = False) -> Dataset:
    """root: the folder. distractors: each picture is of a person of its own.

    Raises: DatasetError if it holds no picture of anybody, StorageError if a folder cannot be
    listed.
    """
    if distractors:
        return folder.below(root, "/".join, "pictures, in folders or not")
    return folder.below(root, lambda path: "/".join(path[:-1]), "GROUP/PERSON/PICTURE in it")
