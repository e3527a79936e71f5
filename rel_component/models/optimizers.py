"""An optimizer that trains a pretrained encoder more slowly than the layers on top of it."""

from typing import Any, Dict, List, Mapping, Tuple, Union, cast

from thinc.api import Optimizer, torch2xp, xp2torch
from thinc.types import FloatsXd

Schedule = Union[float, List[float], Any]


class EncoderAdam(Optimizer):
    """AdamW with a lower learning rate for the encoder (``rel_component.EncoderAdam.v1``).

    Parameters of PyTorch modules, which hold the pretrained encoders, are updated with
    ``encoder_scale`` times the learning rate. All other parameters start from random weights and
    are updated with the learning rate itself, and so is a submodule named ``head`` of a PyTorch
    module. Since encoders are large, PyTorch updates their parameters in place.

    Args:
        learn_rate: learning rate of all but the encoder, a float or a schedule.
        encoder_scale: factor of the learning rate for the encoder.
        L2: decoupled weight decay.
        beta1: decay of the moving average of the gradient.
        beta2: decay of the moving average of the squared gradient.
        eps: added to the denominator of an update, against a division by zero.
        grad_clip: largest norm of the gradient of a parameter; 0: no limit.
        use_averages: whether to evaluate and save moving averages of the parameters. The averages
            reach the encoders of this package, but not those of spacy-transformers.
    """

    __slots__ = ["encoder_scale"]

    def __init__(
        self,
        learn_rate: Schedule = 5e-4,
        encoder_scale: float = 0.2,
        L2: float = 0.01,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        grad_clip: float = 1.0,
        use_averages: bool = False,
    ) -> None:
        super().__init__(
            learn_rate,
            L2=L2,
            beta1=beta1,
            beta2=beta2,
            eps=eps,
            grad_clip=grad_clip,
            use_averages=use_averages,
            L2_is_weight_decay=True,
        )
        self.encoder_scale = encoder_scale

    def __call__(
        self,
        key: Tuple[int, str],
        weights: FloatsXd,
        gradient: FloatsXd,
        *,
        lr_scale: float = 1.0,
    ) -> Tuple[FloatsXd, FloatsXd]:
        """Update one parameter.

        Returns:
            the new parameter, and its gradient set to zero.
        """
        # Names of parameters in PyTorch modules are dotted paths, those of Thinc layers are not.
        if "." not in key[1]:
            return super().__call__(key, weights, gradient, lr_scale=lr_scale)
        parameter, slope = xp2torch(weights), xp2torch(gradient)
        self._update_in_place({key: (parameter, slope)}, lr_scale * self._scale(key[1]))
        slope.zero_()
        return weights, gradient

    def update_parameters(self, owner: int, parameters: Mapping[str, Any]) -> None:
        """Update the parameters of a PyTorch module in place, all at once, and drop their gradients.

        Args:
            owner: id of the module's shim, the first part of the keys.
            parameters: the parameters of the module by name, see ``named_parameters``; those
                without a gradient stay as they are.
        """
        groups: Dict[float, Dict[Tuple[int, str], Tuple[Any, Any]]] = {}
        for name, parameter in parameters.items():
            if parameter.grad is not None:
                group = groups.setdefault(self._scale(name), {})
                group[owner, name] = (parameter.data, parameter.grad)
        for scale, group in groups.items():
            self._update_in_place(group, scale)
        for parameter in parameters.values():
            parameter.grad = None  # not zeros: the next one need not be added to them

    def _scale(self, name: str) -> float:
        return 1.0 if name.startswith("head.") else self.encoder_scale

    def _update_in_place(
        self, group: Mapping[Tuple[int, str], Tuple[Any, Any]], lr_scale: float
    ) -> None:
        """Let PyTorch update parameters, given with their gradients by key."""
        from ..layers.torch_adam import adam_step

        kept = [self.mom1, self.mom2, *([] if self.averages is None else [self.averages])]
        for key, (parameter, _) in group.items():
            self.nr_update[key] += 1
            for arrays in kept:
                if key not in arrays:
                    arrays[key] = cast(FloatsXd, torch2xp(parameter.new_zeros(parameter.shape)))
        adam_step(
            [parameter for parameter, _ in group.values()],
            [gradient for _, gradient in group.values()],
            *([xp2torch(arrays[key]) for key in group] for arrays in kept),
            steps=[self.nr_update[key] for key in group],
            learn_rate=lr_scale * self.learn_rate,
            beta1=self.b1,
            beta2=self.b2,
            eps=self.eps,
            weight_decay=self.L2,
            grad_clip=self.grad_clip,
        )
