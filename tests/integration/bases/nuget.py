"""What stands for NuGet's registry: packages under the names and versions that the project files of examples and templates ask for, made of
what can be had here: YamlDotNet as npm's registry has it in another package, SQLite of the distribution (and code for other machines,
as such packages have), and stand-ins of AWS's packages, for which the SDK compiles amazon_lambda/. Their digests aren't those of the real server."""
import glob
import json
import os
import re
import shutil
import zipfile

import feeds
import packages

HERE = os.path.dirname(os.path.abspath(__file__))
YAML = ("@autorest/csharp@3.0.0-beta.20251203.1", "YamlDotNet.dll", "lib/netstandard2.1/YamlDotNet.dll")
SQLITE = ("libsqlite3-0", "usr/lib/x86_64-linux-gnu/libsqlite3.so.0", "runtimes/{}/native/libe_sqlite3.so")
ELF_MACHINE, AARCH64 = slice(18, 20), b"\xb7\0"
# Packages of AWS's, each an assembly, and those that it needs.
AWS = {"Amazon.Lambda.Core": [], "Amazon.Lambda.Serialization.SystemTextJson": ["Amazon.Lambda.Core"],
       "Amazon.Lambda.RuntimeSupport": ["Amazon.Lambda.Core"]}
PROJECT = """<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <TargetFramework>netcoreapp3.1</TargetFramework>
    <EnableDefaultCompileItems>false</EnableDefaultCompileItems>
    <AssemblyName>{name}</AssemblyName>
  </PropertyGroup>
  <ItemGroup>
    <Compile Include="{name}.cs" />
    {references}
  </ItemGroup>
</Project>
"""
NUSPEC = """<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd">
  <metadata>
    <id>{name}</id>
    <version>{version}</version>
    <authors>lbuild's tests</authors>
    <description>A stand-in.</description>
    <dependencies>{needs}</dependencies>
  </metadata>
</package>
"""


def config(url):
    """The user's configuration of NuGet, with the server in the registry's place."""
    return f"""<?xml version="1.0" encoding="utf-8"?>
<configuration>
  <packageSources>
    <clear />
    <add key="registry" value="{url}/index.json" protocolVersion="3" />
  </packageSources>
</configuration>
"""


def asked():
    """{(name, version)} of all project files here."""
    found = set()
    for path in glob.glob(f"{HERE}/../../../*/dotnet/*.csproj"):
        with open(path, encoding="utf-8") as f:
            found |= set(re.findall(r'<PackageReference Include="([^"]+)" Version="([^"]+)"', f.read()))
    return found


class NuGet(feeds.Feed):
    """The files of a server of version 3 of the protocol: its index and packages by name and version."""

    what = "NuGet package"

    def __init__(self, folder, providers, url):
        super().__init__(folder)
        self.providers, self.url = providers, url

    def file(self, path):
        """The index says where the server is, which differs from run to run."""
        if path == "index.json":
            return json.dumps({"version": "3.0.0", "resources": [{"@id": f"{self.url}/", "@type": "PackageBaseAddress/3.0.0"}]}).encode()
        return super().file(path)

    def make(self, new):
        contents = {"YamlDotNet": self.yaml(), "SQLitePCLRaw.lib.e_sqlite3": self.sqlite(new), **self.compiled(new)}
        versions = {}
        for name, version in sorted(asked()):
            versions.setdefault(name, []).append(version)
        for name, all_versions in versions.items():
            if name not in contents:
                raise feeds.Absent(f"nothing stands for the NuGet package {name}")
            os.makedirs(f"{new}/{name.lower()}")
            with open(f"{new}/{name.lower()}/index.json", "w", encoding="ascii") as f:
                json.dump({"versions": all_versions}, f)
            for version in all_versions:
                needs = "".join(f'<dependency id="{need}" version="{versions[need][0]}" />' for need in AWS.get(name, []))
                self.pack(new, name, version, NUSPEC.format(name=name, version=version, needs=needs), contents[name])

    @staticmethod
    def pack(new, name, version, spec, content):
        folder = f"{new}/{name.lower()}/{version}"
        os.makedirs(folder)
        with zipfile.ZipFile(f"{folder}/{name.lower()}.{version}.nupkg", "w") as z:
            z.writestr(zipfile.ZipInfo(f"{name}.nuspec"), spec)
            for path, data in sorted(content.items()):
                z.writestr(zipfile.ZipInfo(path), data)

    def yaml(self):
        package, path, to = YAML
        with open(f"{self.providers.npm(package)}/{path}", "rb") as f:
            return {to: f.read()}

    def sqlite(self, new):
        package, path, to = SQLITE
        self.providers.apt("amd64").extract(package, f"{new}/{package}")
        with open(f"{new}/{package}/{path}", "rb") as f:
            data = f.read()
        shutil.rmtree(f"{new}/{package}")
        other = bytearray(data)
        other[ELF_MACHINE] = AARCH64
        return {to.format("linux-x64"): data, to.format("linux-arm64"): bytes(other), to.format("win-x64").replace(".so", ".dll"): b"MZ"}

    def compiled(self, new):
        """{name: {path: bytes}} of AWS's packages."""
        work, contents = f"{new}/aws", {}
        shutil.copytree(f"{HERE}/amazon_lambda", work)
        for name, needs in AWS.items():
            references = "".join(f'<ProjectReference Include="{need}.csproj" />' for need in needs)
            with open(f"{work}/{name}.csproj", "w", encoding="ascii") as f:
                f.write(PROJECT.format(name=name, references=references))
        with open(f"{work}/nuget.config", "w", encoding="ascii") as f:
            f.write("<configuration><packageSources><clear /></packageSources></configuration>\n")
        for name in AWS:
            packages.run(f"{self.providers.dotnet()}/dotnet", "build", "-c", "Release", "-o", f"{work}/out", f"{name}.csproj", cwd=work,
                         env=self.providers.dotnet_environment(work))
            with open(f"{work}/out/{name}.dll", "rb") as f:
                contents[name] = {f"lib/netcoreapp3.1/{name}.dll": f.read()}
        shutil.rmtree(work)
        return contents
