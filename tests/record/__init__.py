"""A record of what people see of the service, to hold one state of the code against another."""
