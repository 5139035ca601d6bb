"""The flag that names a sandbox's database."""

from astalty_cli.cli.parameters import option

DATABASE = option("--database", metavar="FILE", help="Use this database instead of the profile's own.")
