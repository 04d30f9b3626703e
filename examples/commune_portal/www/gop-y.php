<?php
declare(strict_types=1);
require __DIR__ . '/inc/ket-noi.php';

if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    luu_gop_y($csdl, trim($_POST['ho_ten'] ?? ''), trim($_POST['tieu_de'] ?? ''), trim($_POST['noi_dung'] ?? ''));
    header('Location: /gop-y.php?da-gui=1');
    exit;
}
$tieu_de = 'Góp ý, phản ánh, kiến nghị';
require __DIR__ . '/inc/dau-trang.php';
?>
<h1>Góp ý, phản ánh, kiến nghị</h1>
<?php if (isset($_GET['da-gui'])): ?>
  <p class="cam-on">Ủy ban nhân dân xã đã nhận được ý kiến và sẽ trả lời trong thời hạn quy định.</p>
<?php endif; ?>
<form method="post">
  <label>Họ và tên <input name="ho_ten" required maxlength="80"></label>
  <label>Tiêu đề <input name="tieu_de" required maxlength="160"></label>
  <label>Nội dung <textarea name="noi_dung" rows="8" required></textarea></label>
  <button>Gửi ý kiến</button>
</form>
<?php require __DIR__ . '/inc/chan-trang.php';
