#!/usr/bin/env bash
# Train a small pipeline, package it, install the wheel in an empty virtual environment together with
# its dependencies, and extract: check_package.sh FOLDER
set -euo pipefail
folder=$(realpath "$1")
mkdir -p "$folder/wheels" "$folder/packages"
for part in train dev; do
  python -m spacy rel convert "assets/business_$part.jsonl" "$folder/corpus/$part.spacy"
done
python -m spacy train configs/cpu.cfg --output "$folder/training" \
  --paths.train "$folder/corpus/train.spacy" --paths.dev "$folder/corpus/dev.spacy" \
  --paths.schema assets/business_schema.yaml --training.max_steps 200 --initialize.after_init.evaluations 2
python -m spacy package "$folder/training/model-best" "$folder/packages" \
  --name relations --version 0.1.0 --build wheel --force
python -m build --outdir "$folder/dist" .
python -m twine check --strict "$folder"/dist/*
cp "$folder"/dist/*.whl "$folder/wheels"
cp "$folder"/packages/*/dist/*.whl "$folder/wheels"

python3 -m venv "$folder/empty"
"$folder/empty/bin/pip" install --find-links "$folder/wheels" torch==2.13.0 en-relations
texts=$(realpath assets/business_dev.jsonl)
cd "$folder"
"$folder/empty/bin/python" -m spacy rel extract en_relations "$texts" --output extracted.jsonl
grep -q '"relations": \[{' extracted.jsonl
echo "The packaged pipeline loads by name and extracts."
