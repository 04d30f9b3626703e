-- The database of an example site that is invented: Cổng thông tin phường Tân Lập.
CREATE TABLE articles (
    id INTEGER PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    published_at TEXT NOT NULL
);

INSERT INTO articles (slug, title, body, published_at) VALUES
    ('tuyen-pho-sang-xanh-sach-dep', 'Ra mắt tuyến phố sáng, xanh, sạch, đẹp',
     'Khu phố 3 lắp 64 đèn năng lượng mặt trời.', '2026-05-19 08:00:00'),
    ('tiem-chung-mo-rong', 'Lịch tiêm chủng mở rộng tại Trạm Y tế phường',
     'Ngày 10 và ngày 25 hằng tháng, từ 7 giờ 30.', '2026-07-06 09:20:00'),
    ('dien-tap-pccc', 'Diễn tập chữa cháy tại chợ Tân Lập',
     'Hơn 80 tiểu thương tham gia, tình huống cháy giả định tại gian hàng vải.', '2026-09-24 15:10:00');
