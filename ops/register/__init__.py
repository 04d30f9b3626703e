"""The register: remarks, requests, incidents and difficulties, each until it is concluded."""
