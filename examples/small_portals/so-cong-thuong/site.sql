-- The database of an example site that is invented: Trang thông tin điện tử Sở Công Thương.
CREATE TABLE articles (
    id INTEGER PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    published_at TEXT NOT NULL
);

INSERT INTO articles (slug, title, body, published_at) VALUES
    ('ket-noi-cung-cau', 'Hội nghị kết nối cung cầu hàng nông sản',
     'Hơn 120 doanh nghiệp ký 46 biên bản ghi nhớ.', '2026-04-22 10:30:00'),
    ('tiet-kiem-dien', 'Phát động tiết kiệm điện mùa khô',
     'Mục tiêu giảm 2% điện năng tiêu thụ.', '2026-03-05 07:45:00'),
    ('hang-gian-hang-gia', 'Kiểm tra cao điểm chống hàng giả dịp cuối năm',
     'Đoàn liên ngành kiểm tra 38 cơ sở, lập 9 biên bản.', '2026-10-16 14:00:00');
