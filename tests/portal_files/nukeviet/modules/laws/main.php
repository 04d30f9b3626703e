<?php
// Legal documents that everybody may see.
$found = rows("SELECT * FROM nv4_vi_laws_row WHERE status = 1 AND (groups_view LIKE '%5%' OR groups_view LIKE '%6%') ORDER BY id");
$list = implode('', array_map(fn(array $it) => '<li>' . text($it['code']) . ': ' . text($it['title']) . '</li>', $found));
return ['title' => 'Văn bản', 'html' => "<h1>Văn bản</h1><ul>$list</ul>"];
