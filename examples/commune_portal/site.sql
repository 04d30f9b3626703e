-- The database of the example site: the portal of an invented commune.
CREATE TABLE menu (
    id INTEGER PRIMARY KEY,
    parent_id INTEGER REFERENCES menu (id),
    title TEXT NOT NULL,
    address TEXT NOT NULL,
    position INTEGER NOT NULL
);
CREATE TABLE articles (
    id INTEGER PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    summary TEXT NOT NULL,
    body TEXT NOT NULL,
    category TEXT NOT NULL,
    author TEXT NOT NULL,
    published_at TEXT NOT NULL,
    views INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX articles_by_date ON articles (published_at);
CREATE TABLE documents (
    id INTEGER PRIMARY KEY,
    number TEXT NOT NULL,
    title TEXT NOT NULL,
    issued_on TEXT NOT NULL,
    signer TEXT NOT NULL,
    file TEXT NOT NULL
);
CREATE TABLE procedures (
    id INTEGER PRIMARY KEY,
    code TEXT NOT NULL,
    title TEXT NOT NULL,
    field TEXT NOT NULL,
    file TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE TABLE feedback (
    id INTEGER PRIMARY KEY,
    sender TEXT NOT NULL,
    subject TEXT NOT NULL,
    content TEXT NOT NULL,
    received_at TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('moi', 'dang-xu-ly', 'da-tra-loi')),
    answer TEXT,
    answered_at TEXT
);

INSERT INTO menu VALUES
    (1, NULL, 'Trang chủ', '/', 1),
    (2, NULL, 'Giới thiệu', '/gioi-thieu.php', 2),
    (3, NULL, 'Tin tức – Sự kiện', '/tin-tuc/', 3),
    (4, NULL, 'Thủ tục hành chính', '/thu-tuc/', 4),
    (5, NULL, 'Văn bản', '/van-ban/', 5),
    (6, NULL, 'Góp ý, phản ánh', '/gop-y.php', 6),
    (7, 3, 'Kinh tế – Xã hội', '/tin-tuc/kinh-te/', 1),
    (8, 3, 'Văn hóa – Thể thao', '/tin-tuc/van-hoa/', 2),
    (9, 3, 'Chuyển đổi số', '/tin-tuc/chuyen-doi-so/', 3);

INSERT INTO articles (slug, title, summary, body, category, author, published_at, views) VALUES
    ('le-hoi-trai-cay', 'Lễ hội trái cây xã Bình Minh thu hút hơn 5.000 lượt khách',
     'Ba ngày lễ hội, các nhà vườn tiêu thụ gần 40 tấn trái cây, giá bán ổn định.',
     'Trong ba ngày cuối tuần, hơn 5.000 lượt khách đã về tham quan các nhà vườn sầu riêng, chôm chôm và bưởi da xanh.
Bà Nguyễn Thị Hạnh, ấp Tân Lập, cho biết gia đình bán được hơn 2 tấn bưởi ngay tại vườn. "Khách quét mã là biết trái bưởi trồng ở thửa nào, bón phân gì, nên rất yên tâm", bà nói.
Năm nay, lần đầu tiên mọi gian hàng đều nhận thanh toán không dùng tiền mặt.',
     'Văn hóa – Thể thao', 'Ban biên tập', '2026-06-14 09:15:00', 1824),
    ('sua-duong-ap-tan-lap', 'Khởi công nâng cấp đường ấp Tân Lập',
     'Tuyến đường dài 1,8 km, tổng mức đầu tư 6,4 tỷ đồng, hoàn thành trước Tết.',
     'Sáng nay, Ủy ban nhân dân xã khởi công nâng cấp 1,8 km đường ấp Tân Lập. Nhân dân trong ấp tự nguyện hiến gần 2.300 m² đất và đóng góp 1,1 tỷ đồng.
Đơn vị thi công cam kết bảo đảm cho xe máy đi lại suốt thời gian làm đường.',
     'Kinh tế – Xã hội', 'Trần Quốc Bảo', '2026-09-08 14:30:00', 967),
    ('to-cong-nghe-so', 'Tổ công nghệ số cộng đồng "đi từng ngõ, gõ từng nhà"',
     'Bảy tổ với 42 thành viên đã hướng dẫn hơn 3.000 lượt người dân nộp hồ sơ trực tuyến.',
     'Sau sáu tháng, tỷ lệ hồ sơ nộp trực tuyến của xã tăng từ 41% lên 83%.
Ông Lê Văn Tám, 71 tuổi, ấp Suối Đá, lần đầu tự nộp hồ sơ xác nhận cư trú trên điện thoại: "Mấy cháu chỉ hai lần là tôi làm được".',
     'Chuyển đổi số', 'Ban biên tập', '2026-07-21 08:05:00', 1310),
    ('nuoc-sach', 'Đưa vào sử dụng trạm cấp nước sạch ấp Suối Đá',
     'Trạm công suất 480 m³/ngày đêm phục vụ 620 hộ dân.',
     'Trạm cấp nước sạch ấp Suối Đá chính thức vận hành từ ngày 01/8/2026. Chất lượng nước được kiểm nghiệm hằng tháng và công khai trên trang thông tin điện tử của xã.',
     'Kinh tế – Xã hội', 'Trần Quốc Bảo', '2026-08-01 16:40:00', 745),
    ('hien-mau', '156 đơn vị máu trong ngày hội "Giọt hồng Bình Minh"',
     'Ngày hội hiến máu tình nguyện đợt 2 vượt 30% kế hoạch.',
     'Có 171 người đăng ký, trong đó 156 người đủ điều kiện hiến máu. Đặc biệt, anh Phạm Minh Đức, ấp Trung Tâm, đã hiến máu lần thứ 25.',
     'Văn hóa – Thể thao', 'Đoàn Thanh niên xã', '2026-07-27 10:20:00', 532),
    ('ung-pho-bao', 'Rà soát phương án ứng phó mưa lớn, ngập úng cuối năm',
     'Xã bố trí 9 điểm sơ tán, dự trữ nhu yếu phẩm cho 1.200 người trong 5 ngày.',
     'Các ấp rà soát nhà ở có nguy cơ tốc mái, hộ già yếu neo đơn; ký cam kết với chủ phương tiện sẵn sàng huy động khi có lệnh.
Hệ thống truyền thanh thông minh phát bản tin lúc 5 giờ, 11 giờ và 17 giờ hằng ngày.',
     'Kinh tế – Xã hội', 'Ban Chỉ huy Phòng thủ dân sự xã', '2026-10-05 07:30:00', 884),
    ('khai-giang', 'Gần 4.700 học sinh bước vào năm học mới',
     'Năm trường học trên địa bàn xã khai giảng sáng 05/9.',
     'Trường Tiểu học Bình Minh đón 412 học sinh lớp 1. Quỹ khuyến học xã trao 85 suất học bổng, mỗi suất 2 triệu đồng, cho học sinh có hoàn cảnh khó khăn.',
     'Văn hóa – Thể thao', 'Ban biên tập', '2026-09-05 11:00:00', 1102),
    ('canh-bao-lua-dao', 'Cảnh báo thủ đoạn giả danh cán bộ xã yêu cầu cài ứng dụng lạ',
     'Cán bộ xã không bao giờ yêu cầu người dân cài ứng dụng qua đường dẫn gửi trong tin nhắn.',
     'Khi nhận cuộc gọi tự xưng là cán bộ, người dân cần bình tĩnh, không cung cấp mã OTP, không bấm đường dẫn lạ và báo ngay Công an xã.',
     'Chuyển đổi số', 'Công an xã', '2026-10-19 15:45:00', 2416);

INSERT INTO documents (number, title, issued_on, signer, file) VALUES
    ('12/KH-UBND', 'Kế hoạch chuyển đổi số năm 2026', '2026-01-15', 'Nguyễn Thành Trung', 'ke-hoach-chuyen-doi-so.txt'),
    ('37/TB-UBND', 'Lịch tiếp công dân của Chủ tịch Ủy ban nhân dân xã', '2026-03-02', 'Nguyễn Thành Trung', 'thong-bao-lich-tiep-dan.txt');

INSERT INTO procedures (code, title, field, file, updated_at) VALUES
    ('1.001193', 'Đăng ký khai sinh', 'Hộ tịch', 'dang-ky-khai-sinh.html', '2026-07-01 08:00:00'),
    ('2.000815', 'Chứng thực bản sao từ bản chính', 'Chứng thực', 'chung-thuc-ban-sao.html', '2026-07-01 08:00:00'),
    ('1.004222', 'Xác nhận thông tin về cư trú', 'Cư trú', 'xac-nhan-cu-tru.html', '2026-07-15 09:30:00');

INSERT INTO feedback (sender, subject, content, received_at, status, answer, answered_at) VALUES
    ('Võ Thị Lụa', 'Đèn đường ấp Trung Tâm không sáng',
     'Ba bóng đèn trước chợ hỏng đã hai tuần, buổi tối đi lại rất tối.', '2026-09-12 19:22:10', 'da-tra-loi',
     'Ủy ban nhân dân xã đã cho thay ba bóng đèn ngày 15/9/2026. Cảm ơn bà đã phản ánh.', '2026-09-16 08:00:00'),
    ('Đặng Hữu Phước', 'Đề nghị đặt gờ giảm tốc trước cổng trường',
     'Giờ tan học xe chạy nhanh, phụ huynh rất lo.', '2026-10-02 06:58:41', 'dang-xu-ly', NULL, NULL),
    ('Trương Mỹ Ngọc', 'Hỏi về lệ phí chứng thực',
     'Xin cho biết lệ phí chứng thực một bản sao gồm ba trang là bao nhiêu?', '2026-10-20 10:11:05', 'moi', NULL, NULL);
