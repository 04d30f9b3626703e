<?php
// Pages of the portal itself.
$pages = rows('SELECT * FROM nv4_vi_about WHERE status = 1 ORDER BY id');
$alias = basename($op, '.html');
$page = array_values(array_filter($pages, fn(array $it) => $alias === '' || $it['alias'] === $alias))[0] ?? not_there();
return ['title' => text($page['title']), 'html' => '<h1>' . text($page['title']) . "</h1>{$page['bodytext']}"];
