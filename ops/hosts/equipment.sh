# What a machine is: serial, network devices and addresses, system; plain POSIX sh.
# A line each: a word, then a value. `end` is the last, else the look was cut off.
value=
read -r value 2>/dev/null </sys/class/dmi/id/product_serial
[ -z "$value" ] || echo "serial $value"
for file in /sys/class/net/*/address; do
  case $file in */lo/address) continue ;; esac
  value=
  read -r value 2>/dev/null <"$file"
  [ -z "$value" ] || echo "mac $value"
done
awk '/\/32 host LOCAL/ { print "ip", last } { last = $2 }' /proc/net/fib_trie 2>/dev/null | sort -u
awk '{ print "ip6", $1 }' /proc/net/if_inet6 2>/dev/null
sed -n 's/^\(ID\|VERSION_ID\|PRETTY_NAME\)=/os_\1 /p' /etc/os-release 2>/dev/null
echo end
