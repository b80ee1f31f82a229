"""Drives a RIME platform with the official client robustintelligence."""

import datetime
import urllib.request

from checks import PLATFORM, check, enum, equal, finish, refused, same, until
from ri.apiclient import PackageRequirement, PipLibraryFilter, PipRequirement
from ri.apiclient.exceptions import (
    ApiException,
    BadRequestException,
    ForbiddenException,
    NotFoundException,
    ServiceException,
    UnauthorizedException,
)
from ri.client import RIClient


def client(role, endpoint=PLATFORM["endpoint"]):
    return RIClient(endpoint + "/", PLATFORM["keys"].get(role, role))


admin, user, viewer = client("org_admin"), client("user"), client("viewer")
images, jobs = admin.image_registry, admin.job_reader
LIST_ENDS = PLATFORM["list_ends"]


def status(thing):
    return getattr(thing.status, "value", thing.status)


def build(name, *pip, **more):
    """Creates an image and waits for the end of its build."""
    job = images.create_image(name, [PipRequirement(name=p) for p in pip], **more).job.job_id
    ended = ("JOB_STATUS_SUCCEEDED", "JOB_STATUS_FAILED", "JOB_STATUS_CANCELLED")
    return until(f"{name}: the job ends", lambda: jobs.get_job(job_id=job, view="JOB_VIEW_FULL").job, lambda j: status(j) in ended)


def create_and_read():
    created = user.image_registry.create_image(
        "conformance",
        [PipRequirement(name="pandas", version_specifier=">=1.5,<2"), PipRequirement(name="xgboost")],
        [PackageRequirement(name="vim", package_type="PACKAGE_TYPE_ROCKYLINUX")],
        "3.10",
    )
    image, job = created.image, created.job
    equal("create: the image's name", image.name, "conformance")
    equal("create: the image is being built", status(image), "STATUS_BUILDING_FIRST_TIME")
    equal("create: Python", image.python_version, "3.10")
    equal("create: pip requirements", [(r.name, r.version_specifier) for r in image.pip_requirements], [("pandas", ">=1.5,<2"), ("xgboost", "")])
    equal("create: package requirements", [(r.name, r.version_specifier) for r in image.package_requirements], [("vim", "")])
    equal("create: pip libraries", image.pip_libraries, [])
    equal("create: base image", image.base_image.name, "rime-base-python-3-10")
    equal("create: the job is requested", status(job), "JOB_STATUS_REQUESTED")
    check("create: the job has a creation time", isinstance(job.creation_time, datetime.datetime), job.creation_time)
    equal("create: the job has not started", job.start_time, None)

    full = until("job: it runs", lambda: jobs.get_job(job_id=job.job_id, view="JOB_VIEW_FULL").job, lambda j: status(j) == "JOB_STATUS_RUNNING")
    check("job: progress in full view", full.job_progress_str != "", full.job_progress_str)
    equal("job: none in basic view", jobs.get_job(job_id=job.job_id).job.job_progress_str, "")
    check("job: it has started", isinstance(full.start_time, datetime.datetime), full.start_time)
    done = until("job: it succeeds", lambda: jobs.get_job(job_id=job.job_id).job, lambda j: status(j) == "JOB_STATUS_SUCCEEDED")
    check("job: it has completed", done.completion_time > done.start_time > done.creation_time, done)
    check("job: it took its time", done.running_time_secs > 0, done.running_time_secs)
    equal("job: no error", done.error_msg, "")
    ready = until("image: ready", lambda: images.get_image("conformance").image, lambda i: status(i) == "STATUS_READY")
    found = {library.name: library.version for library in ready.pip_libraries}
    check("image: pip libraries", found.get("pandas") == "1.5" and "xgboost" in found and "pip" in found, found)
    equal("image: tag", ready.rime_tag, admin.rime_info.get_rime_info().cluster_info_version)
    base = images.get_image("rime-base-python-3-10").image
    check("system image: its children", "conformance" in [child.name for child in base.child_images], base.child_images)


def refuse():
    requirement = [PipRequirement(name="numpy")]
    with refused("create: name taken", ApiException, status=409, text="already exists"):
        images.create_image("conformance", requirement)
    with refused("create: bad name", BadRequestException, status=400, text='"code":3'):
        images.create_image("Conformance", requirement)
    with refused("create: bad Python version", BadRequestException, status=400):
        images.create_image("bad", requirement, python_version="2.7")
    with refused("create: bad specifier", BadRequestException, status=400):
        images.create_image("bad", [PipRequirement(name="numpy", version_specifier="newest")])
    with refused("create: APT", BadRequestException, status=400):
        images.create_image("bad", requirement, [PackageRequirement(name="vim", package_type="PACKAGE_TYPE_APT")])
    with refused("create: as a viewer", ForbiddenException, status=403):
        viewer.image_registry.create_image("bad", requirement)
    with refused("get: missing", NotFoundException, status=404, text='"code":5'):
        images.get_image("missing")
    with refused("get: a name with a slash", NotFoundException, status=404):
        images.get_image("conform/ance")
    with refused("delete: missing", NotFoundException, status=404):
        images.delete_image("missing")
    with refused("delete: as a user", ForbiddenException, status=403, text="Organization Administrator"):
        user.image_registry.delete_image("conformance")
    with refused("delete: a system image", ForbiddenException, status=403):
        images.delete_image("rime-base-python-3-10")
    with refused("get: a wrong key is refused by nginx", UnauthorizedException, status=401, text="<center>nginx</center>"):
        client("wrong").image_registry.get_image("conformance")
    with refused("get: an expired key", UnauthorizedException, status=401):
        client("expired").image_registry.get_image("conformance")
    with refused("job: malformed id", BadRequestException, status=400):
        jobs.get_job(job_id="123-456-789")
    with refused("job: unknown id", NotFoundException, status=404):
        jobs.get_job(job_id="00000000-0000-4000-8000-000000000000")
    with refused("job: unknown view", BadRequestException, status=400):
        jobs.get_job(job_id="00000000-0000-4000-8000-000000000000", view="JOB_VIEW_ALL")


def pages(api, read):
    """Reads all pages, with each of the signs that end a list."""
    names, token, count = [], None, 0
    while count < 100:
        page = read(api, token)
        count += 1
        names += [image.name for image in page.images]
        if not page.images or page.next_page_token in (None, "", token):
            return names, count
        token = page.next_page_token
    return names, count


def lists():
    want = ["rime-base-python-3-8", "rime-base-python-3-9", "rime-base-python-3-10", "rime-base-python-3-11"]
    want += [f"preloaded-{i:04}" for i in range(PLATFORM["preloaded"])]
    reads = {
        "GET": lambda api, token: api.list_images(page_token=token, page_size="20"),
        "POST": lambda api, token: api.list_images2(page_token=token, page_size="20"),
    }
    for end, endpoint in LIST_ENDS.items():
        for method, read in reads.items():
            names, count = pages(client("viewer", endpoint).image_registry, read)
            equal(f"list by {method}, {end} at the end: every image once", names[: len(want)], want)
            equal(f"list by {method}, {end} at the end: pages", count, -(-len(names) // 20) + (end == "stalled"))
    both = [PipLibraryFilter(name="pandas", version="1.5"), PipLibraryFilter(name="xgboost")]
    equal("list: both filters hold", [i.name for i in images.list_images2(pip_libraries=both).images], ["conformance"])
    none = images.list_images2(pip_libraries=[PipLibraryFilter(name="pandas", version="0.1")])
    equal("list: a filter that nothing passes", (none.images, none.next_page_token), ([], ""))
    first = images.list_images2(page_size="1", pip_libraries=[PipLibraryFilter(name="numpy")])
    second = images.list_images2(page_size="1", page_token=first.next_page_token)
    check("list: the token has the filter", first.images[0].name != second.images[0].name, second)
    with refused("list: filter and token", BadRequestException, status=400):
        images.list_images2(page_token=first.next_page_token, pip_libraries=both)
    with refused("list: no token of ours", BadRequestException, status=400):
        images.list_images(page_token="made-up")


def failures():
    job = build("broken", "numpy", "sandbox-not-found")
    equal("failure: the job", status(job), "JOB_STATUS_FAILED")
    check("failure: the reason", "No matching distribution found for sandbox-not-found" in job.error_msg, job.error_msg)
    logs = job.archived_job_logs
    check("failure: the log's address expires", logs.expiration_time > datetime.datetime.now(datetime.timezone.utc), logs)
    with urllib.request.urlopen(logs.url.url) as answer:
        check("failure: the log", b"simulated" in answer.read())
    until("failure: the image", lambda: images.get_image("broken").image, lambda i: status(i) == "STATUS_FAILED")
    with refused("failure: the name stays taken", ApiException, status=409):
        images.create_image("broken", [PipRequirement(name="numpy")])
    equal("delete: a failed image", images.delete_image("broken"), {})
    equal("create: the name is free again", status(build("broken", "numpy")), "JOB_STATUS_SUCCEEDED")


def cancel():
    job = images.create_image("cancelled", [PipRequirement(name="numpy")]).job.job_id
    with refused("delete: while it is built", BadRequestException, status=400, text='"code":9'):
        images.delete_image("cancelled")
    equal("cancel: accepted", jobs.cancel_job(job_id=job), {})
    check("cancel: the flag", jobs.get_job(job_id=job).job.cancellation_requested)
    until("cancel: the job", lambda: jobs.get_job(job_id=job).job, lambda j: status(j) == "JOB_STATUS_CANCELLED")
    until("cancel: the image", lambda: images.get_image("cancelled").image, lambda i: status(i) == "STATUS_FAILED")
    with refused("cancel: too late", BadRequestException, status=400, text='"code":9'):
        jobs.cancel_job(job_id=job)


def delete():
    equal("delete", images.delete_image("conformance"), {})
    with refused("delete: it is gone", NotFoundException, status=404):
        images.get_image("conformance")


def others():
    limit = admin.feature_flag.get_limit_status(admin.rime_info.get_rime_info().customer_name, "LICENSE_LIMIT_EXPIRATION")
    # The client cannot read limitStatus.limitStatus: its models know enums of two words by no name that is sent.
    equal("licence", limit.limit_status.limit.value, "LICENSE_LIMIT_EXPIRATION")
    with refused("cloud deployment", ServiceException, status=501):
        client("org_admin", PLATFORM["cloud"]).image_registry.create_image("bad", [PipRequirement(name="numpy")])
    with refused("registry disabled", NotFoundException, status=404, text="404 page not found"):
        client("org_admin", PLATFORM["disabled"]).image_registry.list_images()


def images_of_terraform():
    """Images that the provider has made. The client reads no enum of two words (role_type, reference_type, package_type): its models do not know how those are sent."""
    for image in PLATFORM["images"]:
        read = images.get_image(image["name"]).image
        same(
            image,
            {
                "name": read.name,
                "status": status(read),
                "tag": read.rime_tag,
                "repository": read.repo_uri,
                "Python": read.python_version,
                "base image": read.base_image.name,
                "children": [child.name for child in read.child_images],
                "pip": sorted((r.name, r.version_specifier) for r in read.pip_requirements),
                "packages": sorted((r.name, r.version_specifier) for r in read.package_requirements),
                "libraries": sorted((library.name, library.version) for library in read.pip_libraries),
            },
        )
        built = image["build"]
        job = jobs.get_job(job_id=built["id"]).job
        equal(f"{image['name']}: its build", status(job), enum("JOB_STATUS_", built["status"]))
        times = [at.strftime("%Y-%m-%dT%H:%M:%SZ") for at in (job.creation_time, job.start_time, job.completion_time)]
        equal(f"{image['name']}: the times of its build", times, [built["created_at"], built["started_at"], built["completed_at"]])


def leave_one():
    """An image for the provider to take over."""
    pip = [PipRequirement(name="pandas", version_specifier=">=1.5,<2"), PipRequirement(name="xgboost"), PipRequirement(name="scikit-learn", version_specifier="1.2")]
    user.image_registry.create_image("left-by-client", pip, [PackageRequirement(name="vim", package_type="PACKAGE_TYPE_ROCKYLINUX")], "3.10")
    until("left for Terraform: ready", lambda: images.get_image("left-by-client").image, lambda i: status(i) == "STATUS_READY")


images_of_terraform()
create_and_read()
refuse()
lists()
failures()
cancel()
delete()
others()
leave_one()
finish()
