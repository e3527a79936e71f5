"""An optimizer that trains a pretrained encoder more slowly than the layers on top of it."""

from typing import Any, List, Tuple, Union

from thinc.api import Optimizer
from thinc.backends import get_array_ops
from thinc.types import FloatsXd

Schedule = Union[float, List[float], Any]


class EncoderAdam(Optimizer):
    """AdamW with two learning rates.

    Parameters inside of PyTorch modules, which is where pretrained encoders are, are updated with
    ``encoder_scale`` times the learning rate; everything else, the layers that start from random
    weights, with the learning rate itself. Of a PyTorch module, that is a submodule named ``head``.
    Since encoders are large, their parameters are updated by PyTorch, in place.
    """

    __slots__ = ["encoder_scale"]

    def __init__(self, learn_rate: Schedule, *, encoder_scale: float, **options: Any) -> None:
        """learn_rate: a float or a schedule. encoder_scale: factor for the encoder's parameters.
        options: see :class:`thinc.optimizers.Optimizer`."""
        super().__init__(learn_rate, **options)
        self.encoder_scale = encoder_scale

    def __call__(
        self,
        key: Tuple[int, str],
        weights: FloatsXd,
        gradient: FloatsXd,
        *,
        lr_scale: float = 1.0,
    ) -> Tuple[FloatsXd, FloatsXd]:
        # Names of parameters in PyTorch modules are dotted paths, those of Thinc layers are not.
        if "." not in key[1]:
            return super().__call__(key, weights, gradient, lr_scale=lr_scale)
        if not key[1].startswith("head."):
            lr_scale *= self.encoder_scale
        self._update_in_place(key, weights, gradient, lr_scale * self.learn_rate)
        return weights, gradient

    def _update_in_place(
        self, key: Tuple[int, str], weights: FloatsXd, gradient: FloatsXd, learn_rate: float
    ) -> None:
        from .layers.torch_adam import adam_step

        ops = get_array_ops(weights)
        self.nr_update[key] += 1
        for arrays in (self.mom1, self.mom2, self.averages):
            if arrays is not None and key not in arrays:
                arrays[key] = ops.alloc(weights.shape)
        adam_step(
            weights,
            gradient,
            self.mom1[key],
            self.mom2[key],
            self.averages[key] if self.averages is not None else None,
            step=self.nr_update[key],
            learn_rate=learn_rate,
            beta1=self.b1,
            beta2=self.b2,
            eps=self.eps,
            weight_decay=self.L2,
            grad_clip=self.grad_clip,
        )


def make_encoder_adam(
    learn_rate: Schedule = 5e-4,
    encoder_scale: float = 0.2,
    L2: float = 0.01,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    grad_clip: float = 1.0,
    use_averages: bool = False,
) -> Optimizer:
    """AdamW with a lower learning rate for the encoder (``rel_component.EncoderAdam.v1``).

    learn_rate: learning rate of all but the encoder, a float or a schedule.
    encoder_scale: the encoder's learning rate as a fraction of it.
    L2: decoupled weight decay.
    beta1, beta2, eps: as in Adam.
    grad_clip: largest norm of the gradient of a parameter; 0: no limit.
    use_averages: whether to evaluate and save moving averages of the parameters. They do not reach
        the encoders of spacy-transformers, only those of this package.
    """
    return EncoderAdam(
        learn_rate,
        encoder_scale=encoder_scale,
        L2=L2,
        beta1=beta1,
        beta2=beta2,
        eps=eps,
        grad_clip=grad_clip,
        use_averages=use_averages,
        L2_is_weight_decay=True,
    )
