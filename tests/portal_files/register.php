<?php
// A small site on PostgreSQL; the words in braces are filled in.
$database = new PDO('pgsql:host={socket};dbname={database};user={user}');
$database->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION);
$found = $database->prepare('SELECT * FROM ho_so WHERE so = ?');
$found->execute([$_GET['so'] ?? 1]);
$row = $found->fetch(PDO::FETCH_ASSOC);
if (!$row) {
    http_response_code(404);
    exit('Không có hồ sơ này');
}
$text = fn($value) => htmlspecialchars((string) $value);
header('Content-Type: text/html; charset=utf-8');
?>
<!DOCTYPE html>
<title>Hồ sơ số <?= $text($row['so']) ?></title>
<h1><?= $text($row['tieu_de']) ?></h1>
<p>Ngày nhận: <?= $text($row['ngay_nhan']) ?></p>
<p><?= $text($row['noi_dung']) ?></p>
<p>Tổng số hồ sơ: <?= $text($database->query('SELECT count(*) FROM ho_so')->fetchColumn()) ?></p>
<p>Tệp đính kèm: <?= $text(hash_file('sha256', __DIR__ . "/tep/{$row['tep']}")) ?></p>
