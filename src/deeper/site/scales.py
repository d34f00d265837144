"""How large a measurement is, as everywhere on the site: dots to see, words for hovering, for lists and to hear."""

from deeper.reporting.pages import claim_rows

COUNTED = "counted"


def said(profile: str) -> str:
    """``networks that have learned``; a profile that has no dots by its name."""
    if profile == COUNTED:
        return "nothing is trained"
    return claim_rows.SCALES.get(claim_rows.STEPS.get(profile, 0), f"profile {profile}")


def dots(profile: str) -> str:
    """``●●○○``; a dash where nothing is trained, and where a profile has no dots."""
    return claim_rows.dots(profile) if profile in claim_rows.STEPS else "–"


def option(profile: str) -> str:
    """``●●○○ networks that have learned``, as a list has it."""
    return f"{dots(profile)} {said(profile)}"


def heard(profile: str) -> str:
    """``scale 2 of 4, networks that have learned``: what is read aloud in the place of the dots."""
    steps = claim_rows.STEPS.get(profile)
    return f"scale {steps} of {len(claim_rows.SCALES)}, {said(profile)}" if steps else said(profile)
