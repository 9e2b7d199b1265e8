"""Which type of object an entry is, as the listener passes entries: names to lists of bytes."""

# What idspool-listener accepts; a test compares the two.
OBJECT_TYPES = (
    "users/user",
    "groups/group",
    "oxmail/oxcontext",
    "oxmail/accessprofile",
    "oxmail/functional_account",
    "oxresources/oxresources",
    "container/ou",
)
USER_CLASSES = {
    "posixaccount", "shadowaccount", "sambasamaccount", "person", "krb5principal", "krb5kdcentry",
}
CLASS_OF_TYPE = (
    ("oxcontext", "oxmail/oxcontext"),
    ("oxaccessprofile", "oxmail/accessprofile"),
    ("oxfunctionalaccount", "oxmail/functional_account"),
    ("oxresourceobject", "oxresources/oxresources"),
)
# The listener's stand-in for a container that it is not allowed to read.
NO_UUID = "00000000-0000-0000-0000-000000000000"


def values(entry, attribute):
    found = entry.get(attribute)
    if found is None:
        lower = attribute.lower()
        found = next((entry[key] for key in entry if key.lower() == lower), ())
    return [value.decode("utf-8", "replace") for value in found]


def object_type(entry):
    """The type of an object as idspool sees it, or None: crates/udm, `Module::of`."""
    if not entry:
        return None
    named = values(entry, "univentionObjectType")
    if named:
        return named[0] if named[0] in OBJECT_TYPES else None
    classes = {value.lower() for value in values(entry, "objectClass")}
    if (
        USER_CLASSES <= classes
        and "univentionhost" not in classes
        and not any("$" in uid for uid in values(entry, "uid"))
        and not any(number.strip() == "0" for number in values(entry, "uidNumber"))
        and "functional" not in values(entry, "univentionObjectFlag")
    ):
        return "users/user"
    if values(entry, "cn") and classes & {"univentiongroup", "sambagroupmapping"}:
        return "groups/group"
    for object_class, found in CLASS_OF_TYPE:
        if object_class in classes:
            return found
    if "organizationalunit" in classes and "univentionbase" not in classes:
        return "container/ou"
    return None


def entry_uuid(entry):
    found = values(entry, "entryUUID")
    return found[0] if found else None
