"""The sample comes from the models: it loads, names every key, and reads well in both languages."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from ops.estate.edit.sample import write_sample
from ops.estate.load.load import load_estate
from ops.estate.load.problems import toml_value
from ops.estate.model.estate import Estate
from ops.estate.model.values import model_of
from tests.golden_texts import assert_golden

IN_ONE_LINE = ("ObjectLock", "LegacyAlgorithms")  # shown as one example value


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_sample_loads_as_it_stands(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIUCONG_LANG", language)
    path = tmp_path / "estate.toml"
    path.write_text(write_sample(), encoding="utf-8")
    estate = load_estate(path)

    assert "wp-content/cache/**" in estate.sites[0].exclude
    assert estate.primary_store.name == "near"


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_sample_has_not_drifted(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIUCONG_LANG", language)

    assert_golden(f"estate-sample.{language}.toml", write_sample())


def test_the_sample_names_every_key_of_every_model() -> None:
    text = write_sample()
    missing = [
        f"{model}.{key}"
        for model, key, _field in all_fields(Estate)
        if model not in IN_ONE_LINE
        and not any(form in text for form in (f"{key} =", f"{key}]", f"[{key}."))
    ]

    assert missing == []


def test_every_example_is_a_value_its_field_takes(tmp_path: Path) -> None:
    context = {"folder": tmp_path}
    for model, name, field in all_fields(Estate):
        for example in field.examples or []:
            value = tomllib.loads(f"x = {toml_value(example)}")["x"]
            kind: Any = Annotated[field.annotation, None, *field.metadata]
            adapter: TypeAdapter[Any] = TypeAdapter(kind)

            assert adapter.validate_python(value, context=context) is not None, (model, name)


def all_fields(model: type[BaseModel]) -> Iterator[tuple[str, str, FieldInfo]]:
    """Yield every field of a model and of the models below it, by the key it has in the file."""
    for name, field in model.model_fields.items():
        yield model.__name__, field.alias or name, field
        inner = model_of(field)
        if inner is not None:
            yield from all_fields(inner)
