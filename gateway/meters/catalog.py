"""Which models of meters there are: the literal table MODELS, and every other name under which one is known.

It does not know how meters are reached; whether a transport fits a model is asked here, because the model decides it.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from gateway.meters.cutting import Cut
from gateway.meters.models import (
    abb,
    carlo_gavazzi,
    dsmr_p1,
    eastron,
    janitza,
    phoenix_contact,
    schneider,
    shelly,
    siemens,
    sml,
    socomec,
)
from gateway.meters.registers import RegisterTable

Status = Literal["checked", "single", "verify"]
"""Two independent sources agree on the registers; only one tells them; nobody is sure: look at the first readings."""


@dataclass(frozen=True, slots=True)
class MeterModel:
    """One entry. Modbus meters have a register table (None: SunSpec, it is found by asking), talkers a way to cut."""

    title: str
    status: Status
    registers: RegisterTable | None = None
    cut: Callable[[bytes], Cut] | None = None
    phase_currents: bool = True
    aliases: tuple[str, ...] = ()
    usual_baudrate: int = 9600
    usual_parity: Literal["N", "E"] = "N"

    @property
    def talks_by_itself(self) -> bool:
        """Whether it sends telegrams (P1, SML) instead of answering Modbus requests."""
        return self.cut is not None


MODELS: dict[str, MeterModel] = {
    "eastron_sdm630": MeterModel(
        "Eastron SDM630 v2, SDM72D-M v2, SDM54", "checked", eastron.SDM630,
        aliases=("eastron_sdm72", "eastron_sdm72_v2", "eastron_sdm54", "sdm630", "sdm72", "eastron_sdm630_sdm72v2"),
    ),
    "eastron_sdm72_v1": MeterModel(
        "Eastron SDM72D-M v1", "single", eastron.SDM72_V1, phase_currents=False, aliases=("sdm72_v1",),
    ),
    "carlo_gavazzi_em24": MeterModel(
        "Carlo Gavazzi EM24 (RS485)", "checked", carlo_gavazzi.EM24, aliases=("em24", "carlo_gavazzi_em24_rs485"),
    ),
    "carlo_gavazzi_em340": MeterModel(
        "Carlo Gavazzi EM330, EM340, ET340, EM530, EM540, EM24-E1 (Ethernet)", "checked", carlo_gavazzi.EM300,
        aliases=(
            "carlo_gavazzi_em330", "carlo_gavazzi_et340", "carlo_gavazzi_em530", "carlo_gavazzi_em540",
            "carlo_gavazzi_em24_e1", "carlo_gavazzi_em300", "em330", "em340", "em530", "em540",
            "carlo_gavazzi_em330_em340_et340_em530_em540_em24E1",
        ),
    ),
    "janitza_umg96": MeterModel(
        "Janitza UMG 96RM, 96RM-E, 801, 806", "checked", janitza.UMG96,
        aliases=(
            "janitza_umg96rm", "janitza_umg96rme", "janitza_umg801", "janitza_umg806",
            "janitza_umg96rm_rme_umg801_umg806",
        ),
    ),
    "janitza_umg104": MeterModel(
        "Janitza UMG 104, 604", "checked", janitza.UMG104, aliases=("janitza_umg604", "janitza_umg104_umg604"),
    ),
    "janitza_b23": MeterModel(
        "Janitza B23, B24", "single", janitza.B23, aliases=("janitza_b24", "janitza_b_series_b23"),
    ),
    "abb_b23": MeterModel(
        "ABB A43, A44, B23, B24, M4M 20, M4M 30", "checked", abb.B23,
        aliases=("abb_a43", "abb_a44", "abb_b24", "abb_m4m", "abb_a43_a44_b23_b24_m4m"),
    ),
    "schneider_iem3000": MeterModel(
        "Schneider iEM3x50, iEM3x55, PM32xx", "checked", schneider.IEM3000,
        aliases=("schneider_iem3155", "schneider_iem3255", "schneider_pm3255", "schneider_iem3x50_3x55_pm32xx"),
        usual_baudrate=19_200, usual_parity="E",
    ),
    "siemens_pac2200": MeterModel(
        "Siemens PAC2200, PAC3200, PAC4200", "checked", siemens.PAC2200,
        aliases=("siemens_pac3200", "siemens_pac4200", "siemens_pac2200_pac3200_pac4200"),
    ),
    "siemens_pac1600": MeterModel(
        "Siemens PAC1600, 7KT166x", "checked", siemens.PAC1600,
        aliases=("siemens_7kt166x", "siemens_7kt1665", "siemens_pac1600_7kt166x"),
    ),
    "socomec_countis_e": MeterModel(
        "Socomec Countis E2x, E3x, Diris A14", "single", socomec.COUNTIS_E,
        aliases=("socomec_countis", "socomec_countis_e_diris_a"),
    ),
    "phoenix_contact_eem_ma370": MeterModel(
        "Phoenix Contact EEM-MA37x", "single", phoenix_contact.EEM_MA370,
        aliases=("phoenix_contact_eem_ma371", "phoenix_contact_eem_ma37x", "phoenix_eem_ma37x"),
    ),
    "sunspec": MeterModel(
        "any meter with SunSpec models 201 to 204 or 211 to 214", "checked",
        aliases=("sunspec_meter", "sunspec_203", "sunspec_213"),
    ),
    "shelly_pro_3em": MeterModel(
        "Shelly Pro 3EM, Modbus TCP switched on", "verify", shelly.PRO_3EM,
        aliases=("shelly_3em_pro", "shelly_pro_3em_modbus_tcp"),
    ),
    "dsmr_p1": MeterModel(
        "DSMR and ESMR smart meters, P1 port", "checked", cut=dsmr_p1.cut, aliases=("dsmr", "p1", "dsmr_p1_v5"),
        usual_baudrate=115_200,
    ),
    "sml": MeterModel(
        "smart meters with SML, optical head (D0)", "single", cut=sml.cut, phase_currents=False,
        aliases=("sml_d0", "d0"),
    ),
}  # fmt: skip


def find_model(name: str) -> MeterModel | None:
    """The model of this name; letter case, blanks, `-` and `_` do not matter. None: unknown."""
    key = key_of(name)
    return MODELS[key] if key is not None else None


def key_of(name: str) -> str | None:
    """The name under which the model stands in MODELS; None: unknown."""
    return _keys().get(_plain(name))


def similar_to(name: str) -> str | None:
    """The known name that was perhaps meant."""
    close = difflib.get_close_matches(_plain(name), _keys(), n=1, cutoff=0.6)
    return _keys()[close[0]] if close else None


@cache
def _keys() -> dict[str, str]:
    return {_plain(alias): key for key, model in MODELS.items() for alias in (key, *model.aliases)}


def _plain(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())
