"""AdamW with PyTorch's fused kernel: one pass over the memory of a parameter instead of many."""

from typing import Optional

import torch
from thinc.api import xp2torch
from thinc.types import FloatsXd
from torch.optim.adamw import adamw


def adam_step(
    weights: FloatsXd,
    gradient: FloatsXd,
    means: FloatsXd,
    variances: FloatsXd,
    average: Optional[FloatsXd] = None,
    *,
    step: int,
    learn_rate: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    grad_clip: float,
) -> None:
    """Update all but the gradient in place, and set the gradient to zero.

    See Loshchilov and Hutter 2019 (https://arxiv.org/abs/1711.05101), algorithm 2.

    weights, gradient: of a parameter, float32.
    means, variances: moving averages of the gradient and of its square, in the same shape.
    average: moving average of the weights, over about the last ninth of all steps, as Thinc has it.
    step: number of this update, from 1 on.
    learn_rate, beta1, beta2, eps: as in Adam.
    weight_decay: decoupled, relative to the learning rate.
    grad_clip: largest norm of the gradient; 0: no limit.
    """
    arrays = (weights, gradient, means, variances)
    parameter, slope, mean, variance = (xp2torch(array) for array in arrays)
    if grad_clip:
        norm = torch.linalg.vector_norm(slope)
        slope *= torch.clamp(grad_clip / (norm + 1e-12), max=1.0)
    adamw(
        [parameter],
        [slope],
        [mean],
        [variance],
        [],
        [torch.tensor(float(step - 1), device=parameter.device)],  # counted up in there
        fused=True,
        amsgrad=False,
        beta1=beta1,
        beta2=beta2,
        lr=learn_rate,
        weight_decay=weight_decay,
        eps=eps,
        maximize=False,
    )
    slope.zero_()
    if average is not None:
        xp2torch(average).lerp_(parameter, 9.0 / (10.0 + step))
