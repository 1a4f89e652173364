"""The classical filters that the article names as the traditional methods, on stacks of images (N, H, W)."""

from scipy import ndimage


def identity(images):
    """The images themselves: the yardstick of doing nothing."""
    return images


def median(images, size):
    """Median over size x size pixels, reflecting border."""
    return ndimage.median_filter(images, size=(1, size, size), mode="reflect")


def mean(images, size):
    """Moving average over size x size pixels, reflecting border."""
    return ndimage.uniform_filter(images, size=(0, size, size), mode="reflect")


def gaussian(images, sigma):
    """Gaussian blur of standard deviation `sigma` pixels, reflecting border."""
    return ndimage.gaussian_filter(images, sigma=(0, sigma, sigma), mode="reflect")


FILTERS = {"identity": identity, "median": median, "mean": mean, "gaussian": gaussian}
