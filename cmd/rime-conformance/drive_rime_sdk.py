"""Drives a RIME platform with the official client rime_sdk."""

import contextlib
import io
import itertools

from checks import PLATFORM, check, enum, equal, finish, refused, same, until
from rime_sdk import Client
from rime_sdk.swagger import swagger_client
from rime_sdk.swagger.swagger_client import ManagedImagePipRequirement, RimeCreateImageRequest


def client(role, endpoint=PLATFORM["endpoint"]):
    # The client asks for the platform's version and licence first.
    return Client(endpoint + "/", PLATFORM["keys"].get(role, role))


_client = client("org_admin")
_keys = _client._api_client.configuration.api_key


def acting(role):
    """The client with the key of a role. All clients of a process share one key, that of the last: so does everything here."""
    _keys["rime-api-key"] = PLATFORM["keys"][role]
    return _client


def create(name, *pip):
    """Creates an image and returns the id of its job, which the client's own method throws away."""
    registry = swagger_client.ImageRegistryApi(acting("org_admin")._api_client)
    body = RimeCreateImageRequest(name=name, pip_requirements=[ManagedImagePipRequirement(name=p) for p in pip])
    # Its name was another before 2.7.
    method = getattr(registry, "create_image", None) or registry.image_registry_create_image
    return method(body=body).job.job_id


def said(what, do):
    """Tells what the client prints, and returns what it returns."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        result = do()
    return result, out.getvalue()


def create_and_read():
    user = acting("user")
    requirements = [user.pip_requirement("pandas", ">=1.5,<2"), user.pip_requirement("xgboost")]
    package = [user.os_requirement("vim"), user.os_requirement("texlive", "20200406")]
    builder = user.create_managed_image("conformance", requirements, package, "3.10")
    check("create: not ready yet", user.has_managed_image("conformance") and not user.has_managed_image("conformance", check_status=True))
    image, text = said("wait", lambda: builder.get_status(verbose=True, wait_until_finish=True, poll_rate_sec=0.05))
    check("wait: progress", "Status: STATUS_BUILDING_FIRST_TIME" in text and "Status: STATUS_READY" in text, text)
    equal("wait: ready", image["status"], "STATUS_READY")
    check("ready", user.has_managed_image("conformance", check_status=True))
    image = user.get_managed_image("conformance")
    equal("get: role", image["role_type"], "ROLE_TYPE_USER_DEFINED")
    equal("get: base image", image["base_image"], {"name": "rime-base-python-3-10", "reference_type": "REFERENCE_TYPE_MANAGED"})
    equal("get: Python", image["python_version"], "3.10")
    equal("get: pip", [(r["name"], r["version_specifier"]) for r in image["pip_requirements"]], [("pandas", ">=1.5,<2"), ("xgboost", "")])
    equal(
        "get: packages",
        [(r["name"], r["version_specifier"], r["package_type"]) for r in image["package_requirements"]],
        [("vim", "", "PACKAGE_TYPE_ROCKYLINUX"), ("texlive", "20200406", "PACKAGE_TYPE_ROCKYLINUX")],
    )
    check("get: libraries", {"name": "pandas", "version": "1.5"} in image["pip_libraries"], image["pip_libraries"])
    check("has: missing", not user.has_managed_image("missing"))


def refuse():
    user = acting("user")
    with refused("create: name taken", ValueError, text="Conflict: an image with the name \"conformance\" already exists"):
        user.create_managed_image("conformance", [])
    with refused("create: bad name", ValueError, text="Bad Request: the image name"):
        user.create_managed_image("Conformance", [])
    with refused("get: missing", ValueError, text="Not Found: no image with the name"):
        user.get_managed_image("missing")
    with refused("delete: as a user", ValueError, text="Forbidden"):  # the client keeps the reason to itself
        user.delete_managed_image("conformance")
    with refused("delete: missing", ValueError, text="Docker image with name missing does not exist"):
        acting("org_admin").delete_managed_image("missing")
    with refused("a wrong key", ValueError, text="token is either invalid or expired"):
        client("wrong")
    with refused("job: malformed id", ValueError, text="is not a valid job id"):
        acting("org_admin").get_job("123-456-789")
    with refused("job: unknown id", ValueError, text="Did not find job id"):
        acting("org_admin").get_job("00000000-0000-4000-8000-000000000000")


def lists():
    want = [f"preloaded-{i:04}" for i in range(PLATFORM["preloaded"])]
    for end in ("echoed", "stalled"):  # the only ends that the client knows: others begin the list anew, for ever
        names = [image["name"] for image in itertools.islice(client("viewer", PLATFORM["list_ends"][end]).list_managed_images(), 1000)]
        equal(f"list, {end} at the end: every image once", [name for name in names if name.startswith("preloaded-")], want)
    user = acting("user")
    filters = [user.pip_library_filter("pandas", "1.5"), user.pip_library_filter("xgboost")]
    equal("list: both filters hold", [image["name"] for image in user.list_managed_images(filters)], ["conformance"])
    many = [image["name"] for image in itertools.islice(user.list_managed_images([user.pip_library_filter("numpy")]), 1000)]
    check("list: pages of a filtered list", len(many) == len(set(many)) and set(want) <= set(many), many)


def jobs():
    admin = acting("org_admin")
    job = admin.get_job(create("broken", "sandbox-not-found"))
    equal("job: its type", type(job).__name__, "ImageBuilderJob")
    status, text = said("wait", lambda: job.get_status(verbose=True, wait_until_finish=True, poll_rate_sec=0.05))
    equal("job: failed", status["status"], "JOB_STATUS_FAILED")
    # The betas of 2.0 had a termination reason, what came after has a message, and the release candidates had both.
    if "error_msg" in status:
        check("job: the reason", "Error message from failed job: Failed to build the image" in text, text)
    if "termination_reason" in status:
        equal("job: why it terminated", status["termination_reason"], "TERMINATION_REASON_GENERIC_ERROR")
    check("job: one of the two", "error_msg" in status or "termination_reason" in status, status)
    check("job: the log's address", "/archived-logs/logs/" in job.get_job_debug_logs_link(), job)
    with refused("job: the client cancels no build", ValueError, text="only supported for job types"):
        job.cancel()
    until("image: failed", lambda: admin.get_managed_image("broken")["status"], lambda s: s == "STATUS_FAILED")
    said("delete", lambda: admin.delete_managed_image("broken"))
    succeeded = admin.get_job(create("broken", "numpy"))
    status, text = said("wait", lambda: succeeded.get_status(verbose=True, wait_until_finish=True, poll_rate_sec=0.05))
    equal("job: succeeded", status["status"], "JOB_STATUS_SUCCEEDED")
    check("job: its running time", "Running Time: 00:00:0" in text, text)


def delete():
    admin = acting("org_admin")
    _, text = said("delete", lambda: admin.delete_managed_image("conformance"))
    check("delete", not admin.has_managed_image("conformance"), text)


def images_of_terraform():
    """Images that the provider has made."""
    user = acting("user")
    for image in PLATFORM["images"]:
        read = user.get_managed_image(image["name"])
        same(
            image,
            {
                "name": read["name"],
                "status": read["status"],
                "role": read["role_type"],
                "tag": read["rime_tag"],
                "repository": read["repo_uri"],
                "Python": read["python_version"],
                "base image": read["base_image"]["name"],
                "kind of base image": read["base_image"]["reference_type"],
                "children": [child["name"] for child in read["child_images"]],
                "pip": sorted((r["name"], r["version_specifier"]) for r in read["pip_requirements"]),
                "packages": sorted((r["name"], r["version_specifier"]) for r in read["package_requirements"]),
                "kinds of packages": [r["package_type"] for r in read["package_requirements"]],
                "libraries": sorted((library["name"], library["version"]) for library in read["pip_libraries"]),
            },
        )
        job = user.get_job(image["build"]["id"])
        status, _ = said("look", lambda: job.get_status(verbose=False))
        equal(f"{image['name']}: its build", status["status"], enum("JOB_STATUS_", image["build"]["status"]))


def leave_one():
    """An image for the provider to take over."""
    user = acting("user")
    requirements = [user.pip_requirement("pandas", ">=1.5,<2"), user.pip_requirement("xgboost"), user.pip_requirement("scikit-learn", "1.2")]
    builder = user.create_managed_image("left-by-client", requirements, [user.os_requirement("vim")], "3.10")
    image, _ = said("wait", lambda: builder.get_status(verbose=True, wait_until_finish=True, poll_rate_sec=0.05))
    equal("left for Terraform: ready", image["status"], "STATUS_READY")


images_of_terraform()
create_and_read()
refuse()
lists()
jobs()
delete()
leave_one()
finish()
