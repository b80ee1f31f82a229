"""Drives a PrimeHub platform with the official client primehub-python-sdk."""

import json
import os
import urllib.request

from checks import PLATFORM, check, equal, finish, of_terraform_group_image, refused, same, until
from primehub import PrimeHub, PrimeHubConfig
from primehub.utils import GraphQLException, GroupIsRequiredException, PrimeHubException, ResourceNotFoundException

NOWHERE = "/nonexistent/config.json"
OWN = "data-science"


def client(role, group=None, platform="enterprise"):
    token = PLATFORM["tokens"].get(role, role)
    made = PrimeHub(PrimeHubConfig(config=NOWHERE, endpoint=PLATFORM["endpoints"][platform], token=token))
    if group:
        made.config.set_group(group)  # the client looks for its id among the user's groups
    return made


def control(platform, method, path, body):
    """What a client cannot do."""
    url = PLATFORM["endpoints"][platform].replace("/api/graphql", "/control/primehub" + path)
    urllib.request.urlopen(urllib.request.Request(url, method=method, data=json.dumps(body).encode())).close()


admin = client("admin", OWN)
images, groups, secrets = admin.admin.admin_images, admin.admin.admin_groups, admin.admin.admin_secrets
group_admin, member = client("group_admin", OWN), client("member", OWN)


def group_id(name):
    return next(g["id"] for g in groups.list() if g["name"] == name)


def phase(image):
    return (image["jobStatus"] or {}).get("phase")


def log(image, who=admin, **of):
    of = {"follow": False, "tail": None, **of}
    return b"".join(who.request_logs(image["logEndpoint"], of["follow"], of["tail"])).decode()


def people():
    equal("me: an administrator", {k: admin.me.me()[k] for k in ("username", "isAdmin")}, {"username": "phadmin", "isAdmin": True})
    equal("me: a member", member.me.me()["isAdmin"], False)
    with refused("an unknown token", GraphQLException, text="Context creation failed: Invalid API Token"):
        client("wrong").me.me()
    os.environ.update(PRIMEHUB_API_ENDPOINT=PLATFORM["endpoints"]["enterprise"], PRIMEHUB_API_TOKEN=PLATFORM["tokens"]["member"])
    equal("configured by the environment", PrimeHub(PrimeHubConfig(config=NOWHERE)).me.me()["username"], "mike")
    for name in ("PRIMEHUB_API_ENDPOINT", "PRIMEHUB_API_TOKEN"):
        del os.environ[name]


def groups_and_members():
    equal("groups of a member", [g["name"] for g in member.groups.list()], [OWN])
    equal("group by name", member.groups.get(OWN)["displayName"], "Data Science")
    with refused("a foreign group", ResourceNotFoundException):
        member.groups.get("research")
    with refused("a foreign group as the current one", GroupIsRequiredException):
        client("member").config.set_group("research")
    if hasattr(member.groups, "list_users"):  # since 0.4
        equal("administrators among the users of a group", [u["username"] for u in member.groups.list_users(member.group_id) if u["group_admin"]], ["dana"])
    equal("all groups, without everyone", [g["name"] for g in groups.list()], [OWN, "data-science-2", "research"])
    equal("all groups, one page", [g["name"] for g in groups.list(page=1)], [OWN, "data-science-2", "research"])
    group = groups.get(group_id("research"))
    equal("a group", group["name"], "research")
    check("a group and its administrators", "rachel" in str(group["admins"]), group["admins"])  # text before 0.4.2, users since
    equal("a group and its images", [i["id"] for i in group["images"]], ["made-to-order"])
    unknown = admin.request({"where": {"id": "none"}}, "query ($where: GroupWhereUniqueInput!) { group(where: $where) { id } }")
    equal("an unknown group", unknown, {"data": {"group": None}})
    for what, do in {"list": lambda: list(member.admin.admin_groups.list()), "get": lambda: member.admin.admin_groups.get(group_id("research"))}.items():
        with refused(f"groups as a member: {what}", GraphQLException, text="Not Authorised!"):
            do()


def pull_secrets():
    equal("secrets", [s["id"] for s in member.secrets.list()], ["image-dockerhub", "image-internal"])
    equal("secret", member.secrets.get("image-dockerhub"), {"id": "image-dockerhub", "name": "dockerhub", "type": "kubernetes"})
    check("no secret for git", member.secrets.get("gitsync-secret-deploy-key") is None)
    equal("all secrets", [s["id"] for s in secrets.list()], ["gitsync-secret-deploy-key", "image-dockerhub", "image-internal"])
    made = secrets.create({"name": "quay", "type": "kubernetes", "registryHost": "quay.io", "username": "robot", "password": "secret"})
    equal("secret: created", made, {"id": "image-quay"})
    check("secret: the password is masked", secrets.get("image-quay")["password"] == "******")
    secrets.update("image-quay", {"username": "other"})
    equal("secret: updated", (secrets.get("image-quay")["username"], secrets.get("image-quay")["registryHost"]), ("other", "quay.io"))
    equal("secret: deleted", secrets.delete("image-quay"), {"id": "image-quay"})
    with refused("secret: missing", GraphQLException, text="Cannot return null for non-nullable field Query.secret."):
        secrets.get("image-quay")
    with refused("secrets as a member", GraphQLException, text="Not Authorised!"):
        list(member.admin.admin_secrets.list())


def system_images():
    equal("create", images.create({"name": "existing", "type": "both", "url": "a/b:1", "urlForGpu": "a/b:1-gpu", "useImagePullSecret": "image-dockerhub"}), {"id": "existing"})
    want = {"displayName": "existing", "url": "a/b:1", "urlForGpu": "a/b:1-gpu", "useImagePullSecret": "image-dockerhub", "global": False, "isReady": True, "imageSpec": None}
    image = images.get("existing")
    equal("get", {k: image[k] for k in want}, want)
    with refused("create: the name is taken", GraphQLException, text="RESOURCE_CONFLICT"):
        images.create({"name": "existing"})
    image = images.update("existing", {"displayName": "Existing"})
    # The client sends urlForGpu along, and nothing else that it does not change: the pull secret is lost.
    equal("update", [image[k] for k in ("displayName", "urlForGpu", "useImagePullSecret")], ["Existing", "a/b:1-gpu", None])
    equal("groups: none", images.list_groups("existing"), [])
    images.add_group("existing", group_id("research"))
    equal("groups: added", [g["name"] for g in images.list_groups("existing")], ["research"])
    images.remove_group("existing", group_id("research"))
    equal("groups: removed", images.list_groups("existing"), [])
    with refused("groups: unknown", PrimeHubException, text="Group not found"):
        images.add_group("existing", "none")
    images.update("existing", {"global": True})
    check("global", images.get("existing")["global"])
    equal("global: in every group", "existing" in [i["name"] for i in client("researcher", "research").images.list()], True)
    equal("delete", images.delete("existing"), {"id": "existing"})
    check("get: it is gone", images.get("existing") is None)
    with refused("delete: it is gone", GraphQLException, text="HTTP request failed"):
        images.delete("existing")
    with refused("update: missing", GraphQLException, text="HTTP request failed"):
        images.update("existing", {})
    with refused("delete: missing, community edition", GraphQLException, text="RESOURCE_NOT_FOUND"):
        client("admin", platform="community").admin.admin_images.delete("none")
    with refused("update: missing, before November 2022", ResourceNotFoundException):
        client("admin", platform="old").admin.admin_images.update("none", {})


def lists():
    # The administrators' list shows no images of groups; the client reads page by page, until one is empty.
    preloaded = client("admin", platform="preloaded").admin.admin_images
    listed = [i["id"] for i in preloaded.list()]
    check("list: more than two pages", len(listed) > 20 and listed == sorted(set(listed)), listed)
    equal("list: the second page", [i["id"] for i in preloaded.list(page=2)], listed[10:20])
    equal("list: beyond the end", list(preloaded.list(page=99)), [])
    check("list: images of groups are missing", PLATFORM["preloaded"] > len(listed), len(listed))


def builds():
    spec = {"baseImage": "jupyter/base-notebook", "packages": {"apt": ["curl"], "conda": ["-c", "pytorch", "fastai"], "pip": ["numpy==1.17*", "scipy"]}}
    equal("build: created", images.create({"name": "built", "imageSpec": spec}), {"id": "built"})
    image = until("build: succeeded", lambda: images.get("built"), lambda i: phase(i) == "Succeeded")
    equal("build: what it is made of", image["imageSpec"], {**spec, "pullSecret": None})
    check("build: the address", image["isReady"] and image["url"] == image["urlForGpu"] and "/built:" in image["url"], image["url"])
    equal("build: the secret it was pushed with", image["useImagePullSecret"], "primehub-controller-custom-image-push-secret")
    text = log(image)
    check("build: the log", "simulated" in text and "[Step: push]" in text and text.rstrip().endswith("[Completed]"), text)
    check("build: the filter leaves packages out", "scipy" in text and "numpy" not in text, text)
    equal("build: the end of the log", log(image, tail=1), "[Completed]\n")
    check("build: the log is not everybody's", "403" in log(image, member))

    images.create({"name": "broken", "imageSpec": {"baseImage": "python", "packages": {"pip": ["sandbox-not-found"]}}})
    until("build: running", lambda: images.get("broken"), lambda i: phase(i) in ("Running", "Failed"))
    text = log(images.get("broken"), follow=True)
    check("build: a log is followed to its end", "No matching distribution found for sandbox-not-found" in text and "[Failed]" in text, text)
    image = until("build: failed", lambda: images.get("broken"), lambda i: phase(i) == "Failed")
    check("build: it is not ready", not image["isReady"] and image["url"] is None, image)
    images.delete("broken")
    check("build: no log without an image", "RESOURCE_NOT_FOUND" in log(image))


def group_images():
    with refused("group: a member cannot create", GraphQLException, text="NOT_AUTH"):
        member.images.create({"name": "of-a-group", "url": "a/b:1"})
    equal("group: create", group_admin.images.create({"name": "of-a-group", "url": "a/b:1"}), {"id": "of-a-group"})
    image = member.images.get("of-a-group")
    equal("group: its members see it", (image["displayName"], image["spec"]["groupName"], image["spec"]["url"]), ("of-a-group", OWN, "a/b:1"))
    check("group: the list of system images does not", "of-a-group" not in [i["id"] for i in images.list()])
    with refused("group: others do not", ResourceNotFoundException):
        client("researcher", "research").images.get("of-a-group")
    with refused("group: a member cannot delete", GraphQLException, text="NOT_AUTH"):
        member.images.delete("of-a-group")
    equal("group: delete", group_admin.images.delete("of-a-group"), {"id": "of-a-group"})
    with refused("group: it is gone", ResourceNotFoundException):
        group_admin.images.get("of-a-group")

    research = group_id("research")
    images.create({"name": "shared", "url": "a/b:1", "groups": {"connect": [{"id": research}]}})
    equal("group: an image made for it", [i["id"] for i in groups.get(research)["images"] if i["id"] == "shared"], ["shared"])
    equal("group: disconnect", groups.disconnect_image(research, "shared")["groups"], [])
    equal("group: connect", [g["name"] for g in groups.connect_image(research, "shared")["groups"]], ["research"])
    images.delete("shared")


def outage():
    images.create({"name": "survivor", "url": "a/b:1"})
    control("enterprise", "PUT", "/outages", [{"backend": "kubernetes"}])
    check("outage: an image seems to be gone", images.get("survivor") is None)
    with refused("outage: a list tells", GraphQLException, text="API_UNAVAILABLE"):
        list(images.list())
    control("enterprise", "PUT", "/outages", [])
    equal("outage: it was not", images.delete("survivor"), {"id": "survivor"})


def images_of_terraform():
    """Images that Terraform has made with the provider: what the client reads is what Terraform knows, field by field."""
    for made in PLATFORM["images"]:
        name = made["name"]
        image = images.get(name)
        read = {k: image[k] or "" for k in ("displayName", "description", "type", "url", "urlForGpu", "useImagePullSecret", "logEndpoint")}
        read |= {"global": image["global"], "isReady": image["isReady"], "groups": sorted(g["name"] for g in image["groups"])}
        if image["imageSpec"]:
            read |= {"phase": phase(image), "baseImage": image["imageSpec"]["baseImage"]}
            read |= {"pullSecret": image["imageSpec"]["pullSecret"] or "", "packages": image["imageSpec"]["packages"]}
        same(made, read, of_terraform_group_image)
        equal(f"{name}: it is built", bool(image["imageSpec"]), bool(made["build"]))
        if OWN in made["groups"] or made["global"]:
            equal(f"{name}: as its members see it", member.images.get(name)["spec"].get("groupName") or "", made["group"])
        equal(f"{name}: among the system images", name in [i["id"] for i in images.list()], made["group"] == "")


def leave():
    """What Terraform is to take over, packages in another spelling than Terraform's."""
    spec = {"baseImage": "jupyter/base-notebook", "packages": {"apt": ["curl"], "conda": ["-c", "pytorch", "fastai"], "pip": []}}
    images.create({"name": "left-by-client", "displayName": "Left by the client", "type": "cpu", "imageSpec": spec})
    images.add_group("left-by-client", group_id("research"))
    until("left behind: ready", lambda: images.get("left-by-client"), lambda i: phase(i) == "Succeeded")


images_of_terraform()
people()
groups_and_members()
pull_secrets()
system_images()
lists()
builds()
group_images()
outage()
leave()
finish()
