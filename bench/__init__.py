"""The comparison with other backup programs: same data, same machine, same run, alternating."""
