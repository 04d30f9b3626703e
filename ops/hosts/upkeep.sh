# What changes slowly on a machine: updates that wait, and when its system log was last written.
date '+clock %s.%N'
if command -v apt-get >/dev/null; then
  stat -c 'lists %Y' /var/lib/apt/lists /var/lib/apt/lists/partial 2>/dev/null
  timeout 60 apt-get -s -q -o Debug::NoLocking=true upgrade 2>/dev/null | awk '
    /^Inst / { all++; if (tolower($0) ~ /security/) security++ }
    /^[0-9]+ upgraded/ { whole = 1 }
    END { if (whole) print "updates", all + 0, security + 0 }'
fi
stat -c 'log %Y' /var/log/syslog /var/log/messages /var/log/journal/*/system.journal \
  /run/log/journal/*/system.journal 2>/dev/null | head -n 8
echo end
