"""How a drill starts a restored site: `[sites.drill]`."""

from typing import Literal, Self

from pydantic import Field, model_validator

from ops.estate.model.values import Part, Port, mistake


class SiteDrill(Part):
    """How a drill starts the restored site, in the sandbox."""

    serve: Literal["auto", "php", "static", "command", "none"] = Field(
        default="auto",
        description="auto (its files tell), php, static, command, or none: it is not started.",
    )
    root: str = Field(
        default="",
        description="The document root: a folder of `files`, or one below it; left out: the first.",
        examples=["www/public"],
    )
    command: tuple[str, ...] = Field(
        default=(),
        description="For `command`: the site's own program, run in the document root.",
        examples=[["/usr/bin/node", "server.js"]],
    )
    port: Port | None = Field(
        default=None,
        description="Where that program listens on the loopback; left out: at the url's own port.",
        examples=[3000],
    )
    addresses: tuple[str, ...] = Field(
        default=(),
        description="Further addresses at which the site looks for its database server.",
        examples=[["10.0.0.5", "db.example.vn"]],
    )

    @model_validator(mode="after")
    def _command_is_given(self) -> Self:
        if (self.serve == "command") != bool(self.command):
            raise mistake(
                '`serve = "command"` and `command` belong together',
                'write both, e.g. `serve = "command"` and `command = ["/usr/bin/node", "app.js"]`',
            )
        return self
