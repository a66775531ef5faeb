"""Small configurations in the words that each version of Terraform has."""


class Configurations:
    """`terraform_data` came with 1.4; before, `null_resource` from a provider did its work."""

    def __init__(self, version: str) -> None:
        self.builtin = tuple(map(int, version.split("."))) >= (1, 4, 0)
        self.type = "terraform_data" if self.builtin else "null_resource"

    def resource(self, name: str, value: str = '"1"', command: str = "", after: str = "") -> str:
        """One resource that is replaced when `value`, an expression, changes.

        `command` runs in bash when it is made; `after` names the resource to wait for.
        """
        if self.builtin:
            body = f"  input            = {value}\n  triggers_replace = {value}\n"
        else:
            body = f"  triggers = {{ value = {value} }}\n"
        if after:
            body += f"  depends_on = [{self.type}.{after}]\n"
        if command:
            body += f"""\
  provisioner "local-exec" {{
    interpreter = ["/bin/bash", "-c"]
    command     = <<-EOT
      {command}
    EOT
  }}
"""
        return f'resource "{self.type}" "{name}" {{\n{body}}}\n'

    def address(self, name: str) -> str:
        return f"{self.type}.{name}"

    def output(self, name: str, expression: str, sensitive: bool = False) -> str:
        mark = "  sensitive = true\n" if sensitive else ""
        return f'output "{name}" {{\n  value = {expression}\n{mark}}}\n'

    def variable(self, name: str, type_: str = "string", default: str = "") -> str:
        line = f"  default = {default}\n" if default else ""
        return f'variable "{name}" {{\n  type = {type_}\n{line}}}\n'


# Its provider starts only when the gate of the environment variable GATE is opened: a plan that
# takes as long as the test wants.
GATED = """\
terraform {
  required_providers {
    gated = {
      source = "registry.terraform.io/statehouse/gated"
    }
  }
}
resource "null_resource" "gated" {
  provider = gated
}
"""
