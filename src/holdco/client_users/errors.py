"""Why a change of a client user is refused.

Refusal
├── EmailTaken, AlreadyClientUser   one person, one client user (domain.md V6)
├── NotAtCustomer                   who is put to a project belongs to its customer or to one above it
├── ClientUserDeactivated           there is nothing to invite somebody to who was sent away (V7)
├── InvitationNotValid              unknown, expired, used and ended ones are not told apart
└── IdentityTaken                   who logs in so is another client user
"""

from __future__ import annotations

from holdco.errors import Refusal, UserErrorCode


class EmailTaken(Refusal):
    code = UserErrorCode.EMAIL_TAKEN

    def __init__(self, email: str) -> None:
        super().__init__(
            f"There is already a client user with the e-mail address {email}. Add customers to that one with clientUserUpdate.",
            field=("email",),
        )


class AlreadyClientUser(Refusal):
    code = UserErrorCode.ALREADY_CLIENT_USER

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is a client user already. Invite again with clientUserReinvite.", field=("id",))


class NotAtCustomer(Refusal):
    code = UserErrorCode.NOT_AT_CUSTOMER

    def __init__(self, name: str, *, project: str, field: tuple[str, ...]) -> None:
        super().__init__(
            f"{name} belongs neither to the customer of the project {project} nor to one above it.",
            field=field,
        )


class ClientUserDeactivated(Refusal):
    code = UserErrorCode.CLIENT_USER_DEACTIVATED

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is deactivated. Use clientUserReactivate first.", field=("id",))


class InvitationNotValid(Refusal):
    code = UserErrorCode.INVITATION_NOT_VALID

    def __init__(self) -> None:
        super().__init__("This invitation is not valid. Ask whoever sent it for a new one.", field=("invitation",))


class IdentityTaken(Refusal):
    code = UserErrorCode.IDENTITY_TAKEN

    def __init__(self) -> None:
        super().__init__("Whoever logs in like this is another client user already.", field=("invitation",))
