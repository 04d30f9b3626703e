"""A store on a server that speaks SFTP, version 3 as OpenSSH has it."""
