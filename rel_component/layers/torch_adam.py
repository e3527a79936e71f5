"""AdamW with PyTorch's fused kernel: one pass over the memory of all parameters instead of many."""

from typing import Optional, Sequence

import torch
from torch import Tensor
from torch.optim.adamw import adamw


def adam_step(
    parameters: Sequence[Tensor],
    gradients: Sequence[Tensor],
    means: Sequence[Tensor],
    variances: Sequence[Tensor],
    averages: Optional[Sequence[Tensor]] = None,
    *,
    steps: Sequence[int],
    learn_rate: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    grad_clip: float,
) -> None:
    """Update parameters and their moving averages in place; clipping scales the gradients in place.

    See Loshchilov and Hutter 2019 (https://arxiv.org/abs/1711.05101), algorithm 2.

    Args:
        parameters: float32, on one device.
        gradients: gradient of each parameter, in its shape.
        means: moving average of each gradient, in the same shape.
        variances: moving average of the square of each gradient, in the same shape.
        averages: moving averages of the parameters, over about the last ninth of all steps, as
            Thinc has them.
        steps: number of this update of each parameter, from 1 on.
        learn_rate: step size.
        beta1: decay of `means`.
        beta2: decay of `variances`.
        eps: added to the denominator.
        weight_decay: decoupled weight decay, relative to the learning rate.
        grad_clip: largest norm of the gradient of a parameter; 0: no limit.
    """
    if grad_clip:
        for gradient in gradients:
            norm = torch.linalg.vector_norm(gradient)
            gradient *= torch.clamp(grad_clip / (norm + 1e-12), max=1.0)
    done = torch.tensor(steps, dtype=torch.float32, device=parameters[0].device) - 1
    adamw(
        list(parameters),
        list(gradients),
        list(means),
        list(variances),
        [],
        list(done.unbind()),  # adamw adds 1
        fused=True,
        amsgrad=False,
        beta1=beta1,
        beta2=beta2,
        lr=learn_rate,
        weight_decay=weight_decay,
        eps=eps,
        maximize=False,
    )
    if averages is not None:
        for average, parameter, step in zip(averages, parameters, steps):
            average.lerp_(parameter, 9.0 / (10.0 + step))
