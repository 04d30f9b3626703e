# One look at a machine, by an account that may read what everybody may; plain POSIX sh.
# A line each: a word, then values. `end` is the last, else the look was cut off.
date '+clock %s.%N'
grep -HsE '^(cpu|Mem|Swap|some|full|[0-9])' /proc/loadavg /proc/uptime /proc/stat /proc/meminfo \
  /proc/pressure/cpu /proc/pressure/memory /proc/pressure/io

if [ -e /run/reboot-required ] || [ -e /var/run/reboot-required ]; then
  echo 'reboot yes'
elif [ -e /usr/share/update-notifier/notify-reboot-required ] ||
  [ -e /etc/kernel/postinst.d/unattended-upgrades ]; then
  echo 'reboot no' # somebody is there who would say so
fi

if [ -d /run/systemd/system ] && failed=$(
  timeout 5 systemctl list-units --state=failed --plain --full --no-legend --no-pager 2>/dev/null
); then
  echo 'units seen'
  [ -z "$failed" ] || printf '%s\n' "$failed" | head -n 20 |
    while read -r unit rest; do echo "unit $unit"; done
fi

# Each file system is asked by a process of its own. Who does not answer in 3 s hangs: it is left
# behind, holding no line of ours, and while it hangs nobody asks there again.
probe() {
  stat -f -c "disk $1 %S %b %f %a %c %d" -- "$2" || echo "none $1"
}
number=0
known=' '
while read -r device mount type options rest; do
  remote=
  case $type in
    ext[234] | xfs | btrfs | zfs | f2fs | jfs | bcachefs | reiserfs | vfat) ;;
    fuse.lxcfs | fuse.portal | fuse.gvfsd-fuse | fuse.snapfuse) continue ;;
    nfs | nfs4 | cifs | smb3 | ceph | glusterfs | 9p | virtiofs | fuse | fuse.* | fuseblk)
      remote=yes ;;
    overlay | tmpfs) case $mount in / | /run | /tmp) ;; *) continue ;; esac ;;
    *) continue ;;
  esac
  case $device in
    /* | *:*)
      case $known in *" $device "*) continue ;; esac
      known="$known$device "
      ;;
  esac
  number=$((number + 1))
  [ "$number" -le 40 ] || { echo 'mounts more'; break; }
  path=$mount
  case $mount in
    *\\*)
      path=$(printf "$(printf %s "$mount" | sed 's/%/%%/g')x")
      path=${path%x}
      ;;
  esac
  echo "mount $number $type $mount"
  if [ -z "$remote" ]; then
    probe "$number" "$path" </dev/null &
  elif ! grep -qzsxF "GIUCONG_MOUNT=$mount" /proc/[0-9]*/environ; then
    { GIUCONG_MOUNT=$mount timeout -s KILL 3 \
      stat -f -c "disk $number %S %b %f %a %c %d" -- "$path" || [ $? -gt 123 ] ||
      echo "none $number"; } </dev/null &
  fi
done </proc/mounts 2>/dev/null | timeout 3 cat
echo end
