"""Writes pip_files.jsonl: what pip makes of files with options, addresses and constraints.

    python3 -m venv venv && venv/bin/pip install pip==26.3 && venv/bin/python pip_files.py > pip_files.jsonl

Each line has the text and what pip finds: requirements and constraints as name, extras, comparisons, address and marker, the indexes
and the pages with links; or "refused". What is empty is left out. A distribution whose name pip learns when it builds has none here.
"""

import json
import random
import tempfile

from pip._internal.index.collector import LinkCollector
from pip._internal.index.package_finder import PackageFinder
from pip._internal.models.search_scope import SearchScope
from pip._internal.models.selection_prefs import SelectionPreferences
from pip._internal.network.session import PipSession
from pip._internal.req.constructors import install_req_from_parsed_requirement
from pip._internal.req.req_file import parse_requirements
from pip._vendor.packaging.utils import canonicalize_name

DEFAULT = "https://pypi.org/simple"
COMMIT = "0123456789012345678901234567890123456789"
LINES = [
    "numpy>=1.26,<2", "Foo_Bar[b, a] ==1.0  # why", "torch==2.1.0+cu118", 'pywin32; sys_platform == "win32"', "a", "",
    "nvidia-cublas-cu12; platform_system == 'Linux' and python_version<'3.13'", "# comment",
    "-i https://a.test/simple", "--index-url=https://b.test/simple/", "--index-url 'https://c.test/s'", "--pypi-url https://d.test/",
    "--extra-index-url https://e.test/whl/cu118", "--extra-index-url=https://f.test", "--extra https://g.test", "-ihttps://h.test",
    "-f https://i.test/links.html", "--find-links https://j.test/torch-2.1.0+cu118.html", "--find-links=https://i.test/links.html",
    "-i https://a.test --extra-index-url https://b.test --trusted-host b.test", "--trusted-host a.test", "--use-feature fast-deps",
    "--no-binary :none:", "--only-binary=:none:", "--no-index", "--pre", "--prefer-binary", "--require-hashes", "--only-final x",
    "--all-releases :all:", "--no-require-hashes", "--no-cache-dir", "-U", "--pre=1", "--re x", "-i", "-f", "--nonsense=1", "-i 'https://a",
    "pkg @ git+https://h.test/o/r.git", "pkg@git+https://h.test/o/r.git@main", "pkg[x] @ git+https://h.test/o/r.git@v1.0 ; os_name == 'posix'",
    f"pkg @ git+https://h.test/o/r.git@{COMMIT}#subdirectory=src", "git+https://h.test/o/r.git#egg=R_x", "git+https://h.test/o/r.git@main#egg=r[b]",
    "git+https://h.test/o/r.git@v1#subdirectory=s&egg=r ; python_version > '3'", "git+https://h.test/o/r.git#egg=r; python_version > '3'",
    "-e git+https://h.test/o/r.git@v1#egg=r", "--editable=git+https://h.test/o/r.git#egg=r&subdirectory=x", "-e 'git+https://h.test/o/r.git#egg=r'",
    "-e 'r @ git+https://h.test/o/r.git'", "pkg @ https://h.test/a/pkg-1.0-py3-none-any.whl", "https://h.test/Pkg_a-1.0-py3-none-any.whl",
    "https://h.test/whl/torch-1.10.0%2Bcu113-cp38-cp38-linux_x86_64.whl", "https://h.test/x.zip#egg=x", "pkg @ https://h.test/x.tar.gz ; os_name == 'posix'",
    "pkg @ https://h.test/x.tar.gz; os_name == 'posix'", "pkg @ https://h.test/x.zip#sha256=" + "0a" * 32, "-e hg+https://h.test/r#egg=r", "git+ssh://git@h.test/o/r.git#egg=r",
    "a==1 --hash=sha256:" + "0b" * 32, "a==1 --config-settings=k=v", "a==1 --no-binary a", "a==1 --global-option=x", "a>=1 -f https://h.test",
    "-c constraints.txt", "--constraint constraints.txt", "-r base.txt", "-rbase.txt", "--requirement=base.txt", "-c base.txt", "-r constraints.txt", "-e git+https://h.test/o/r.git",
]
FILES = {"base.txt": "numpy!=1.27\n-c constraints.txt\nidna ; python_version < '4'\n", "constraints.txt": "Foo.bar<3\nb>1; os_name == 'posix'\n--extra-index-url https://z.test\n"}


def requirement(found):
    item = {
        "name": canonicalize_name(found.req.name) if found.req else "",
        "extras": sorted({canonicalize_name(e) for e in (found.req.extras if found.req else set()) | set(found.extras)}),
        "comparisons": "" if found.link else str(found.req.specifier),
        "url": found.link.url if found.link else "",
        "marker": str(found.markers or ""),
    }
    return {key: value for key, value in item.items() if value}


def read(folder, text):
    path = folder + "/requirements.txt"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    session = PipSession()
    scope = SearchScope.create(find_links=[], index_urls=[DEFAULT], no_index=False)
    finder = PackageFinder.create(link_collector=LinkCollector(session, scope), selection_prefs=SelectionPreferences(allow_yanked=False))
    found = {"requirements": [], "constraints": []}
    try:
        for parsed in parse_requirements(path, session=session, finder=finder):
            item = requirement(install_req_from_parsed_requirement(parsed))
            found["constraints" if parsed.constraint else "requirements"].append(item)
    except Exception:  # of many classes
        return {"refused": True}
    urls = finder.index_urls
    found["index"] = "" if urls[:1] == [DEFAULT] else "".join(urls[:1])
    found["extra"] = urls[1:]
    found["links"] = finder.find_links
    return {key: value for key, value in found.items() if value}


def main():
    rng = random.Random(10)
    with tempfile.TemporaryDirectory() as folder:
        for name, text in FILES.items():
            with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
                file.write(text)
        texts = [line + "\n" for line in LINES]
        texts += ["".join(rng.choice(LINES) + rng.choice(["\n", "\n", "\r\n", "  # x\n"]) for _ in range(rng.choice([2, 3, 4]))) for _ in range(900)]
        for text in texts:
            print(json.dumps({"text": text, "pip": read(folder, text)}))


main()
