"""The one hardened SSH layer: strict connections, a pool of them, and hosts on top.

paramiko carries it; its raw channels move the bytes. Fabric's own connection is not used here: it
accepts any host key, polls, and turns bytes into text.
"""
