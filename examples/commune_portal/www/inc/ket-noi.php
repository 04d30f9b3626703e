<?php
declare(strict_types=1);
$cau_hinh = require '/etc/cong-xa/cau-hinh.php';
$csdl = new PDO('sqlite:' . $cau_hinh['co_so_du_lieu']);
$csdl->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION);
$csdl->exec('PRAGMA journal_mode = WAL');

function lay_bai_viet_moi(PDO $csdl, int $so_luong): array
{
    $lenh = $csdl->prepare('SELECT slug, title, summary, published_at FROM articles ORDER BY published_at DESC LIMIT ?');
    $lenh->execute([$so_luong]);
    return $lenh->fetchAll(PDO::FETCH_ASSOC);
}

function lay_bai_viet(PDO $csdl, string $slug): ?array
{
    $lenh = $csdl->prepare('SELECT * FROM articles WHERE slug = ?');
    $lenh->execute([$slug]);
    return $lenh->fetch(PDO::FETCH_ASSOC) ?: null;
}

function lay_van_ban_moi(PDO $csdl, int $so_luong): array
{
    $lenh = $csdl->prepare('SELECT number, title, file FROM documents ORDER BY issued_on DESC LIMIT ?');
    $lenh->execute([$so_luong]);
    return $lenh->fetchAll(PDO::FETCH_ASSOC);
}

function luu_gop_y(PDO $csdl, string $nguoi_gui, string $tieu_de, string $noi_dung): void
{
    $lenh = $csdl->prepare('INSERT INTO feedback (sender, subject, content, received_at, status) VALUES (?, ?, ?, ?, ?)');
    $lenh->execute([$nguoi_gui, $tieu_de, $noi_dung, date('Y-m-d H:i:s'), 'moi']);
}
