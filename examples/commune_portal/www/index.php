<?php
declare(strict_types=1);
require __DIR__ . '/inc/ket-noi.php';

$bai_viet = lay_bai_viet_moi($csdl, 10);
$van_ban  = lay_van_ban_moi($csdl, 5);
$tieu_de  = 'Trang chủ';
require __DIR__ . '/inc/dau-trang.php';
?>
<section class="tin-moi">
  <h2>Tin tức – Sự kiện</h2>
  <?php foreach ($bai_viet as $bai): ?>
    <article>
      <h3><a href="/chi-tiet.php?bai=<?= urlencode($bai['slug']) ?>"><?= htmlspecialchars($bai['title']) ?></a></h3>
      <p class="ngay">Đăng ngày <?= date('d/m/Y', strtotime($bai['published_at'])) ?></p>
      <p><?= htmlspecialchars($bai['summary']) ?></p>
    </article>
  <?php endforeach; ?>
</section>
<aside>
  <h2>Văn bản mới ban hành</h2>
  <ul>
    <?php foreach ($van_ban as $vb): ?>
      <li><a href="/van-ban/<?= htmlspecialchars($vb['file']) ?>"><?= htmlspecialchars($vb['number']) ?></a>: <?= htmlspecialchars($vb['title']) ?></li>
    <?php endforeach; ?>
  </ul>
</aside>
<?php require __DIR__ . '/inc/chan-trang.php';
