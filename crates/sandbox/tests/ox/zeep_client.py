"""Provisions through the WSDLs that the server gives, as existing connectors do, and checks what
comes back. Argument: the server's URL."""

import datetime
import sys

import zeep

BASE = sys.argv[1] + "/webservices/"
D = "{http://dataobjects.soap.admin.openexchange.com/xsd}"
R = "{http://dataobjects.rmi.admin.openexchange.com/xsd}"


def client(service):
    return zeep.Client(BASE + service + "?wsdl")


context, user, copy, group, resource, account, deputy = map(
    client,
    [
        "OXContextService",
        "OXUserService",
        "OXUserCopyService",
        "OXGroupService",
        "OXResourceService",
        "OXSecondaryAccountService",
        "OXDeputyPermissionsService",
    ],
)


def credentials(of, login, password):
    return of.get_type(R + "Credentials")(login=login, password=password)


def obj(of, kind, /, **fields):
    return of.get_type(D + kind)(**fields)


def expect_fault(call, name, text):
    try:
        call()
    except zeep.exceptions.Fault as fault:
        assert fault.message.startswith(text + "; exceptionId "), fault.message
        assert fault.code == "soap:Server", fault.code
        outer = fault.detail[0]
        assert outer.tag.endswith("}" + name), outer.tag
        assert outer[0].tag == outer.tag, outer[0].tag
        return outer
    raise AssertionError("no fault: " + name)


master = credentials(context, "oxadminmaster", "secret")
for number in (10, 11):
    expect_fault(
        lambda: context.service.getData(ctx=obj(context, "Context", id=number), auth=master),
        "NoSuchContextException",
        f"Context {number} does not exist",
    )
    created = context.service.create(
        ctx=obj(
            context,
            "Context",
            id=number,
            name=f"context{number}",
            maxQuota=-1,
            enabled=True,
            loginMappings=[f"context{number}", str(number)],
        ),
        admin_user=obj(
            context,
            "User",
            name="oxadmin",
            display_name="OX Admin",
            password="adminpw",
            given_name="OX",
            sur_name="Admin",
            primaryEmail="oxadmin@example.org",
            email1="oxadmin@example.org",
            timezone="Europe/Berlin",
        ),
        auth=master,
    )
    assert created.id == number and created.maxQuota is None, created
assert [found.id for found in context.service.listAll(auth=master)] == [10, 11]
assert context.service.change(ctx=obj(context, "Context", id=10, maxQuota=500), auth=master) is None
assert context.service.getData(ctx=obj(context, "Context", id=10), auth=master).maxQuota == 500

ten = obj(user, "Context", id=10)
admin = credentials(user, "oxadmin", "adminpw")
assert user.service.exists(ctx=ten, user=obj(user, "User", name="anna"), auth=admin) is False
anna = user.service.create(
    ctx=ten,
    usrdata=obj(
        user,
        "User",
        name="anna",
        password="dummy",
        display_name="Anna Bäcker",
        given_name="Anna",
        sur_name="Bäcker",
        primaryEmail="anna@example.org",
        email1="anna@example.org",
        aliases=["anna@example.org", "a.b@example.org"],
        birthday=datetime.date(1980, 2, 29),
        image1=b"\xff\xd8\xff",
        image1ContentType="image/jpeg",
        userAttributes={
            "entries": [{"key": "config", "value": {"entries": [{"key": "a", "value": "1"}]}}]
        },
        mailenabled=True,
        contextadmin=False,
    ),
    auth=admin,
)
assert anna.id == 3 and anna.password == "dummy", anna
this = obj(user, "User", id=3)
data = user.service.getData(ctx=ten, user=this, auth=admin)
assert data.password is None and data.birthday == datetime.date(1980, 2, 29), data
assert data.image1 == b"\xff\xd8\xff" and sorted(data.aliases) == ["a.b@example.org", "anna@example.org"]
assert data.default_group.id == 1 and data.language == "en_US", data
assert data.userAttributes.entries[0].value.entries[0].value == "1", data.userAttributes

change = obj(user, "User", id=3, name="anna", title='Dr. <x> & "ö"', email2="")
assert user.service.change(ctx=ten, usrdata=change, auth=admin) is None
data = user.service.getData(ctx=ten, user=obj(user, "User", name="anna"), auth=admin)
assert data.title == 'Dr. <x> & "ö"' and data.sur_name == "Bäcker", data

flags = obj(user, "UserModuleAccess", webmail=True, calendar=False, globalAddressBookDisabled=False)
user.service.changeByModuleAccess(ctx=ten, user=this, moduleAccess=flags, auth=admin)
rights = user.service.getModuleAccess(ctx=ten, user=this, auth=admin)
assert (rights.webmail, rights.calendar, rights.deniedPortal) == (True, False, False), rights

fault = expect_fault(
    lambda: user.service.create(ctx=ten, usrdata=obj(user, "User", name="x"), auth=admin),
    "InvalidDataException",
    "Mandatory fields not set: [display_name, password, given_name, sur_name, primaryEmail, email1]",
)
assert fault[0][1].tag == "{http://exceptions.rmi.admin.openexchange.com/xsd}objectname"
expect_fault(
    lambda: user.service.getData(ctx=ten, user=obj(user, "User", name="nobody"), auth=admin),
    "NoSuchUserException",
    "No such user nobody in context 10",
)
expect_fault(
    lambda: user.service.exists(ctx=ten, user=this, auth=credentials(user, "oxadmin", "wrong")),
    "InvalidCredentialsException",
    "Authentication failed",
)
assert [found.id for found in user.service.listAll(ctx=ten, auth=admin)] == [2, 3]
many = user.service.getMultipleData(ctx=ten, users=[obj(user, "User", id=2), this], auth=admin)
assert [found.name for found in many] == ["oxadmin", "anna"], many

g_ten = obj(group, "Context", id=10)
g_admin = credentials(group, "oxadmin", "adminpw")
team = group.service.create(
    ctx=g_ten, grp=obj(group, "Group", name="team", displayname="Team", members=[2, 3]), auth=g_admin
)
assert team.id == 4 and team.members == [2, 3], team
group.service.change(ctx=g_ten, grp=obj(group, "Group", id=4, members=[3]), auth=g_admin)
own = group.service.listGroupsForUser(ctx=g_ten, usr=obj(group, "User", id=3), auth=g_admin)
assert [(found.name, found.members) for found in own] == [("users", [2, 3]), ("team", [3])], own
expect_fault(
    lambda: group.service.getData(ctx=g_ten, grp=obj(group, "Group", name="none"), auth=g_admin),
    "NoSuchGroupException",
    "No such group none",
)

r_ten = obj(resource, "Context", id=10)
r_admin = credentials(resource, "oxadmin", "adminpw")
room = obj(resource, "Resource", name="room", displayname="Room", email="room@example.org", available=True)
room = resource.service.create(ctx=r_ten, res=room, auth=r_admin)
assert room.id == 5, room
resource.service.delete(ctx=r_ten, res=obj(resource, "Resource", id=5), auth=r_admin)

a_ten = obj(account, "Context", id=10)
a_admin = credentials(account, "oxadmin", "adminpw")
account.service.create(
    accountDataOnCreate=obj(
        account,
        "AccountDataOnCreate",
        name="Info",
        primaryAddress="info@example.org",
        mailEndpointSource="primary",
        login="info",
    ),
    context=a_ten,
    users=[obj(account, "User", id=3)],
    auth=a_admin,
)
assert [(found.userId, found.name) for found in account.service.list(context=a_ten, auth=a_admin)] == [(3, "Info")]
everyone = [obj(account, "Group", id=0)]
for expected in (True, False):
    assert (
        account.service.delete(
            primaryAddress="info@example.org", context=a_ten, groups=everyone, auth=a_admin
        )
        is expected
    )

boss = deputy.get_type(D + "User")(id=2)
d_ten = obj(deputy, "Context", id=10)
d_admin = credentials(deputy, "oxadmin", "adminpw")


def module(name, level):
    return obj(
        deputy,
        "ModulePermission",
        moduleId=name,
        admin=False,
        folderPermission=level,
        readPermission=level,
        writePermission=level,
        deletePermission=level,
    )


def grant(to, *modules):
    permission = obj(
        deputy, "DeputyPermission", userId=to, sendOnBehalfOf=False, modulePermissions=list(modules)
    )
    return deputy.service.grant(user=boss, deputyPermission=permission, context=d_ten, auth=d_admin)


assert grant(3, module("mail", 4), module("calendar", 0)) == "deputy-1"
assert deputy.service.blockManual(user=boss, context=d_ten, auth=d_admin) is None
(listed,) = deputy.service.list(context=d_ten, auth=d_admin)
assert (listed.deputyId, listed.grantorId, listed.userId) == ("deputy-1", 2, 3), listed
assert [(m.moduleId, m.writePermission) for m in listed.modulePermissions] == [("mail", 4)], listed
expect_fault(lambda: grant(99), "NoSuchUserException", "No such user 99 in context 10")
assert deputy.service.revokeAll(user=boss, context=d_ten, auth=d_admin) is None
assert deputy.service.unblockManual(user=boss, context=d_ten, auth=d_admin) is None
assert deputy.service.list(context=d_ten, auth=d_admin) == []

moved = copy.service.copyUser(
    user=obj(copy, "User", id=3),
    src=obj(copy, "Context", id=10),
    dest=obj(copy, "Context", id=11),
    auth=credentials(copy, "oxadminmaster", "secret"),
)
assert moved.id == 3, moved
expect_fault(
    lambda: copy.service.copyUser(
        user=obj(copy, "User", id=3),
        src=obj(copy, "Context", id=10),
        dest=obj(copy, "Context", id=11),
        auth=credentials(copy, "oxadminmaster", "secret"),
    ),
    "UserExistsException",
    "User anna already exists in context 11",
)
assert user.service.delete(ctx=ten, user=obj(user, "User", id=3, name="anna"), auth=admin) is None
assert user.service.exists(ctx=ten, user=this, auth=admin) is False
print("all checks passed")
