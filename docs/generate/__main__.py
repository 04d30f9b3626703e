"""`make docs`: write every generated page of `docs/reference`."""

from docs.generate.pages import REFERENCE, render_pages


def main() -> None:
    """Write the pages that changed and name them."""
    for name, text in render_pages().items():
        page = REFERENCE / name
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")
            print(f"written: {page.relative_to(REFERENCE.parent.parent)}")


if __name__ == "__main__":
    main()
