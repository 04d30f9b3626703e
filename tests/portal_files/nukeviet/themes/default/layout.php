<?php
// What stands around every page: menu, a banner by chance, the poll, who is here and how many were.
$banner = rows('SELECT * FROM nv4_banners_rows WHERE act = 1 ORDER BY RAND() LIMIT 1')[0];
$db->execute_query('UPDATE nv4_banners_rows SET hits_total = hits_total + 1 WHERE id = ?', [$banner['id']]);
$poll = rows('SELECT * FROM nv4_vi_voting WHERE act = 1 ORDER BY RAND() LIMIT 1')[0];
$choices = rows('SELECT * FROM nv4_vi_voting_rows WHERE vid = ? ORDER BY id', [$poll['vid']]);
$counts = array_column(rows('SELECT c_type, c_count FROM nv4_counter ORDER BY last_update'), 'c_count', 'c_type');
$online = rows('SELECT COUNT(*) AS here FROM nv4_sessions')[0]['here'];
header('Content-Type: text/html; charset=utf-8');
?>
<!doctype html>
<html lang="vi">
<title><?= $main['title'] ?></title>
<link rel="stylesheet" href="/themes/default/style.css">
<nav><?php foreach (rows('SELECT * FROM nv4_vi_modules WHERE act = 1 ORDER BY weight') as $it): ?><a href="/<?= $it['title'] ?>/"><?= text($it['custom_title']) ?></a> <?php endforeach ?></nav>
<span class="current-time"><?= date('H:i:s d/m/Y') ?></span>
<a class="banner" href="<?= text($banner['click_url']) ?>"><img src="/uploads/banners/<?= $banner['file_name'] ?>" alt="<?= text($banner['file_alt']) ?>"></a>
<main><?= $main['html'] ?></main>
<div class="poll"><h4><?= text($poll['question']) ?></h4><?php foreach ($choices as $it): ?><label><?= text($it['title']) ?></label> <?php endforeach ?></div>
<ul class="counter"><li>Đang truy cập <?= $online ?></li><li>Hôm nay <?= $counts['day'] ?></li><li>Tổng lượt truy cập <?= $counts['total'] ?></li></ul>
<footer><?= $config_global['site_name'] ?> – Ủy ban nhân dân tỉnh, số 1 đường Cách Mạng Tháng Tám</footer>
