"""What stands for the gem server: real gems made of the distribution's packages, whose digests are therefore not those of the real server,
and a stand-in of AWS's runtime interface client, which can't be had here. The index is made by RubyGems itself."""
import glob
import os
import re
import shutil

import feeds
import packages

HERE = os.path.dirname(os.path.abspath(__file__))
# Gems with native code, which is compiled where they are installed: source package, and the folder of the gemspec in it.
SOURCES = {"thrift": "lib/rb"}
# Gems that are all Ruby: binary package, and the gem in it.
BINARIES = {"ruby-mustache": "mustache"}
# A gem of what a binary package has of it: `AGAIN GEMSPEC` in a folder with lib/.
AGAIN = """
spec = Gem::Specification.load(ARGV.fetch(0))
spec.files = Dir["lib/**/*"].select { |path| File.file?(path) }
spec.executables = spec.extra_rdoc_files = []
Gem::Package.build(spec)
"""


def client_version():
    """The version of the client that the template takes."""
    with open(f"{HERE}/../../../templates/ruby.template", encoding="utf-8") as f:
        return re.search(r"^\[input:ric\]\n(?:.*\n)*?default = (.*)$", f.read(), re.M).group(1)


class Gems(feeds.Feed):
    """A gem server's files."""

    what = "gem"

    def __init__(self, folder, apt):
        super().__init__(folder)
        self.apt = apt

    def make(self, new):
        if not shutil.which("gem"):
            raise feeds.Absent("ruby is not installed, and no gem can be made")
        os.makedirs(f"{new}/gems")
        for name, spec in SOURCES.items():
            self.apt("amd64").source(name, f"{new}/{name}")
            self.build(f"{new}/{name}/{spec}", "gem", "build", f"{name}.gemspec")
        for package, name in BINARIES.items():
            self.apt("amd64").extract(package, f"{new}/{name}")
            spec = f"{new}/{name}/lib.gemspec"
            os.rename(glob.glob(f"{new}/{name}/usr/share/rubygems-integration/all/specifications/{name}-*.gemspec")[0], spec)
            os.rename(f"{new}/{name}/usr/lib/ruby/vendor_ruby", f"{new}/{name}/lib")
            self.build(f"{new}/{name}", "ruby", "-r", "rubygems/package", "-e", AGAIN, spec)
        shutil.copytree(f"{HERE}/aws_lambda_ric", f"{new}/client")
        self.build(f"{new}/client", "gem", "build", "aws_lambda_ric.gemspec")
        packages.run("gem", "generate_index", "--directory", new)

    def build(self, folder, *argv):
        """Runs what leaves a gem in the folder, and moves it to the server's."""
        packages.run(*argv, cwd=folder, env={**os.environ, "SOURCE_DATE_EPOCH": "1728897153", "CLIENT_VERSION": client_version()})
        for path in glob.glob(f"{folder}/*.gem"):
            shutil.move(path, f"{self.folder}.new/gems/")
