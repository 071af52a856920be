"""What the models of all answers have in common: forms of fields, said in the document, and the one base class."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from gateway.core.ids import DIGEST, KEY, ORGAN_ID


def form(**schema: Any) -> Any:
    """Said in the document, and true of what we store: not checked again on the way out."""
    return Field(json_schema_extra=schema)


Key = Annotated[str, form(pattern=f"^{KEY.pattern}$")]
OrganCode = Annotated[str, form(pattern=f"^{ORGAN_ID.pattern}$")]
Sha256 = Annotated[str, form(pattern=f"^{DIGEST.pattern}$")]
Moment = Annotated[str, form(format="date-time")]
Day = Annotated[str, form(format="date")]
Count = Annotated[int, form(minimum=0)]


def _open(schema: dict[str, Any]) -> None:
    """Members may be added in later versions: the document does not promise that there are no others."""
    schema.pop("additionalProperties", None)


class Answer(BaseModel):
    """What all answers have in common: nobody adds a member that the model does not have."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=_open)
