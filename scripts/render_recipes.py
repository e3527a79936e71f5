"""Write the recipes in configs/ anew, after a change of their template."""

from pathlib import Path

from rel_component.recipes.rendering import render_recipe
from rel_component.recipes.settings import RECIPES

for recipe in RECIPES:
    path = Path(__file__).parent.parent / "configs" / f"{recipe}.cfg"
    path.write_text(render_recipe(recipe), encoding="utf8")
