<!doctype html>
<html lang="vi">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title><?= htmlspecialchars($tieu_de) ?> | Trang thông tin điện tử xã Bình Minh</title>
  <link rel="stylesheet" href="/css/cong-xa.css">
</head>
<body>
<header>
  <p class="co-quan">ỦY BAN NHÂN DÂN XÃ BÌNH MINH</p>
  <p class="khau-hieu">Công khai – Minh bạch – Phục vụ nhân dân</p>
  <nav>
    <?php foreach ($csdl->query('SELECT title, address FROM menu WHERE parent_id IS NULL ORDER BY position') as $muc): ?>
      <a href="<?= htmlspecialchars($muc['address']) ?>"><?= htmlspecialchars($muc['title']) ?></a>
    <?php endforeach; ?>
  </nav>
</header>
<main>
