"""How closely copies are watched for ransomware and looked through for malware."""

from typing import Annotated

from pydantic import Field, Strict

from ops.estate.values import Flag, LocalPath, Part, Positive

Percent = Annotated[int, Strict(), Field(ge=1, le=100)]


class Watch(Part):
    """When a backup is unlike the site's own past; the shares hold until that past is known."""

    enabled: Flag = Field(default=True, description="Hold each backup against the site's own past.")
    learn_runs: Positive = Field(
        default=7, description="Good backups from which on a site's own past counts."
    )
    encrypted_percent: Percent = Field(
        default=10, description="Share of a site's files that may seem encrypted since the last."
    )
    hardened_percent: Percent = Field(
        default=20, description="Share of files that may have lost their compressibility."
    )
    relabelled_percent: Percent = Field(
        default=40, description="Share of files that may have got a strange extension."
    )
    lost_percent: Percent = Field(
        default=70, description="Share of files that may be gone, with nothing in their place."
    )


class Security(Part):
    """What looks through copies, and when that must have been done."""

    watch: Watch = Field(default=Watch(), description="The watch for ransomware.")
    clamav_database: LocalPath | None = Field(
        default=None,
        description="ClamAV's signatures: a folder or one file, which you bring up to date.",
        examples=["/var/lib/clamav"],
    )
    clamav_days: Positive = Field(
        default=30, description="Signatures older than this prove too little."
    )
    scan_before_use: Flag = Field(
        default=False,
        description="A copy is put in place of a live site only once it was looked through.",
    )
    scan_piece_mb: Positive = Field(
        default=1024, description="So much of a copy lies in the scratch folder at once."
    )
