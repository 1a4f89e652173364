"""Regions of images, for a source with too few images to train on some and test on others.

A region goes into one split, whole. Regions of one image are more alike than images are, so that
errors of other images may be larger.
"""

COUNT = 10  # of an image: with the default split 7 train, 1 validates, 2 test
ROWS = 64  # of a region, but of low images
LEAST = 3  # images, or regions, that can be split: to train, to validate, to test


def regions(height: int, wanted: int | None) -> list[range]:
    """Rows of the regions of an image, from top to bottom.

    Parameters
    ----------
    height : int
        Of the image.
    wanted : int, optional
        How many; an image with fewer rows has one each. None: so many that each is worth it.
    """
    count = min(height, wanted or min(COUNT, max(LEAST, height // ROWS)))
    edges = [height * number // count for number in range(count + 1)]
    return [range(edges[number], edges[number + 1]) for number in range(count)]
