"""A report as one page: its pictures in it, nothing of a file as markup."""

import base64

from jaxsparse.viz.report_page import report_page

TEXT = """# Evaluation of <script>alert(1)</script>

| class | efficiency |
| --- | --- |
| nu_e | 0.5000 ± 0.0100 |

    jaxsparse eval --out=out

![confusion](plots/confusion.png)

![elsewhere](https://example.org/a.png)
"""


def test_pictures_are_in_the_page_and_nothing_is_fetched(tmp_path):
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots/confusion.png").write_bytes(b"picture")
    page = report_page(TEXT, tmp_path, "a < b")
    assert f'src="data:image/png;base64,{base64.b64encode(b"picture").decode()}"' in page
    assert page.count("<img") == 1
    assert "https:" not in page
    assert "<title>a &lt; b</title>" in page


def test_tables_and_commands_keep_their_form_and_markup_is_text(tmp_path):
    page = report_page(TEXT, tmp_path, "report")
    assert "<td>nu_e</td>\n<td>0.5000 ± 0.0100</td>" in page
    assert "<pre><code>jaxsparse eval --out=out\n</code></pre>" in page
    assert "<h1>Evaluation of &lt;script&gt;alert(1)&lt;/script&gt;</h1>" in page
    assert "<script" not in page
