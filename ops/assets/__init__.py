"""The register of assets: devices, software, lines, licences, domains, certificates, contracts."""
