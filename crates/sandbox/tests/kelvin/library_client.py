"""Works with the sandbox through the public client library of Kelvin.

Usage: library_client.py HOST:PORT AUTHORITY CERTIFICATE KEY
The server has the schools DEMOSCHOOL and DEMOSCHOOL2 and asks for a client certificate.
"""

import asyncio
import datetime
import ssl
import sys
import uuid

from ucsschool.kelvin.client import (
    InvalidRequest,
    NoObject,
    PasswordsHashes,
    RoleResource,
    School,
    SchoolClass,
    SchoolClassResource,
    SchoolResource,
    Session,
    User,
    UserResource,
    WorkGroup,
    WorkGroupResource,
)


def same(found, expected):
    if found != expected:
        raise AssertionError(f"found {found!r}, expected {expected!r}")


async def refused(awaitable, kind, status):
    try:
        await awaitable
    except kind as error:
        same(error.status, status)
        return error.reason
    raise AssertionError(f"not refused with {status}")


async def names(found):
    return [one.name async for one in found]


def hashes():
    made = PasswordsHashes(["{crypt}x"], "5C453F1961837BA114A045684F12FCF1", [], 3, 1700000000)
    made.krb_5_key_as_bytes = [b"\x30\x1d\xa1"]
    return made


async def roles_and_schools(session):
    roles = await names(RoleResource(session=session).search())
    same(roles, ["staff", "student", "teacher", "legal_guardian", "school_admin"])
    schools = SchoolResource(session=session)
    same(await names(schools.search()), ["DEMOSCHOOL", "DEMOSCHOOL2"])
    same(await schools.exists(name="demoschool"), True)
    same(await schools.exists(name="gym7"), False)
    await School(name="gym7", display_name="Gymnasium 7", session=session).save()
    same((await schools.get(name="gym7")).display_name, "Gymnasium 7")
    await refused(School(name="gym7", session=session).save(), InvalidRequest, 409)


async def users(session):
    resource = UserResource(session=session)
    user = User(
        name="anna.m",
        school="DEMOSCHOOL",
        firstname="Änne",
        lastname="Müller",
        birthday=datetime.date(2010, 2, 3),
        expiration_date=datetime.date(2031, 7, 31),
        email="anna@example.com",
        record_uid="4711/a b",
        source_uid="LAND",
        roles=["student"],
        schools=["DEMOSCHOOL"],
        school_classes={"DEMOSCHOOL": ["7a"]},
        udm_properties={"title": "Dr.", "phone": ["1"]},
        kelvin_password_hashes=hashes(),
        session=session,
    )
    await user.save()
    same(user.dn, "uid=anna.m,cn=schueler,cn=users,ou=DEMOSCHOOL,dc=school,dc=test")
    found = [one async for one in resource.search(record_uid="4711/a b", source_uid="LAND")]
    same([one.name for one in found], ["anna.m"])
    same(found[0].expiration_date, datetime.date(2031, 7, 31))
    same(await names(resource.search(school="DEMOSCHOOL", firstname="ä*")), ["anna.m"])
    same(await names(resource.search(school="DEMOSCHOOL2")), [])
    twin = User("anna.m", "DEMOSCHOOL", firstname="A", lastname="B", roles=["teacher"],
                schools=["DEMOSCHOOL"], record_uid="1", session=session)
    same(await refused(twin.save(), InvalidRequest, 409), "School user exists.")

    # Changed, renamed and moved, each by sending the whole object.
    user = await resource.get(name="ANNA.M")
    user.firstname, user.birthday, user.udm_properties = "Anne", None, {"title": None}
    await user.save()
    user = await resource.get(name="anna.m")
    same((user.firstname, user.birthday, user.udm_properties["title"]), ("Anne", None, None))
    same((user.udm_properties["phone"], user.email), (["1"], "anna@example.com"))
    user.name = "anne"
    await user.save()
    await refused(resource.get(name="anna.m"), NoObject, 404)
    user = await resource.get(name="anne")
    user.school, user.schools = "DEMOSCHOOL2", ["DEMOSCHOOL2"]
    user.school_classes = {"DEMOSCHOOL2": ["8b"]}
    await user.save()
    same((user.school, user.school_classes), ("DEMOSCHOOL2", {"DEMOSCHOOL2": ["8b"]}))
    user.roles, user.school_classes = ["staff", "teacher"], {}
    await user.save()
    same((await user.reload()).roles, ["staff", "teacher"])
    user.udm_properties = {"shoeSize": 44}
    await refused(user.save(), InvalidRequest, 422)
    await user.delete()
    await refused(user.reload(), NoObject, 404)


async def relations(session):
    common = {"schools": ["DEMOSCHOOL"], "session": session, "firstname": "A", "lastname": "B"}
    guardian = User("eva", "DEMOSCHOOL", roles=["legal_guardian"], record_uid="e", **common)
    await guardian.save()
    ward = User("ben", "DEMOSCHOOL", roles=["student"], record_uid="b", legal_guardians=["eva"], **common)
    await ward.save()
    same((await guardian.reload()).legal_wards, ["ben"])
    await guardian.delete()
    same((await ward.reload()).legal_guardians, [])
    await ward.delete()


async def groups(session):
    common = {"schools": ["DEMOSCHOOL"], "session": session, "firstname": "A", "lastname": "B"}
    for name in ["anna", "tim"]:
        await User(name, "DEMOSCHOOL", roles=["teacher"], record_uid=name, **common).save()
    resource = SchoolClassResource(session=session)
    school_class = SchoolClass("9c", "DEMOSCHOOL", description="Neun", users=["anna"], session=session)
    await school_class.save()
    same(await names(resource.search(school="DEMOSCHOOL", name="9*")), ["9c"])
    school_class = await resource.get(school="DEMOSCHOOL", name="9c")
    same((school_class.users, school_class.description), (["anna"], "Neun"))
    user = await UserResource(session=session).get(name="anna")
    same(user.school_classes, {"DEMOSCHOOL": ["9c"]})
    school_class.users, school_class.name = ["anna", "tim"], "10 c"
    await school_class.save()
    school_class = await resource.get(school="DEMOSCHOOL", name="10 c")
    same(school_class.users, ["anna", "tim"])
    school_class.users = []
    await school_class.save()
    same((await school_class.reload()).users, [])
    school_class.users = ["nobody"]
    await refused(school_class.save(), NoObject, 404)
    await school_class.delete()
    await refused(school_class.reload(), NoObject, 404)

    workgroup = WorkGroup("chor", "DEMOSCHOOL", description="Chor", users=["tim"], session=session)
    await workgroup.save()
    workgroup = await WorkGroupResource(session=session).get(school="DEMOSCHOOL", name="chor")
    same((workgroup.users, workgroup.description), (["tim"], "Chor"))
    await workgroup.delete()
    for name in ["anna", "tim"]:
        await (await UserResource(session=session).get(name=name)).delete()


async def main():
    host, authority, certificate, key = sys.argv[1:]
    tls = ssl.create_default_context(cafile=authority)
    tls.load_cert_chain(certificate, key)
    request_id = str(uuid.uuid4())
    async with Session("connector", "wrong", host, verify=tls) as session:
        same(await refused(session.token, InvalidRequest, 401), "Incorrect username or password")
    for version in ["v1", "v2"]:
        options = {"verify": tls, "request_id": request_id, "api_version": version}
        async with Session("connector", "secret", host, **options) as session:
            if version == "v1":
                await roles_and_schools(session)
            await users(session)
            await relations(session)
            await groups(session)
    print(f"all checks passed {request_id}")


asyncio.run(main())
