<?php
declare(strict_types=1);
require __DIR__ . '/inc/ket-noi.php';

$bai = lay_bai_viet($csdl, (string) ($_GET['bai'] ?? ''));
if ($bai === null) {
    http_response_code(404);
    exit('Không tìm thấy bài viết.');
}
$tieu_de = $bai['title'];
require __DIR__ . '/inc/dau-trang.php';
?>
<article>
  <h1><?= htmlspecialchars($bai['title']) ?></h1>
  <p class="ngay"><?= date('d/m/Y H:i', strtotime($bai['published_at'])) ?> · <?= htmlspecialchars($bai['author']) ?></p>
  <?= nl2br(htmlspecialchars($bai['body'])) ?>
</article>
<?php require __DIR__ . '/inc/chan-trang.php';
