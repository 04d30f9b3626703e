<?php
// A small site on MariaDB; the words in braces are filled in.
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
$database = new mysqli('localhost', '{user}', '{password}', '{database}', 0, '{socket}');
$database->set_charset('utf8mb4');
$found = $database->execute_query('SELECT * FROM posts WHERE id = ?', [$_GET['p'] ?? 1])->fetch_assoc();
$count = $database->query('SELECT COUNT(*) FROM comments')->fetch_row()[0];
$scheme = ($_SERVER['HTTPS'] ?? '') === 'on' ? 'https' : 'http';
header('Content-Type: text/html; charset=utf-8');
?>
<!DOCTYPE html>
<title><?= htmlspecialchars($found['title']) ?></title>
<p><?= htmlspecialchars($found['body']) ?></p>
<p>Số góp ý: <?= $count ?>; địa chỉ: <?= "$scheme://{$_SERVER['HTTP_HOST']}" ?></p>
