"""Write the vectors again."""

from tests.kit.edxml_vectors import FOLDER, vectors

for name, content in vectors().items():
    path = FOLDER / f"{name}.edxml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
