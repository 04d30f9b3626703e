CREATE TABLE tin (id INT PRIMARY KEY, tieu_de TEXT, noi_dung TEXT, dang_luc TIMESTAMP);
INSERT INTO tin VALUES
  (1, 'Kết nối cung cầu', 'Hội nghị kết nối cung cầu năm 2026.', '2026-09-01 08:00:00'),
  (2, 'Xúc tiến thương mại', '=1+1 là nội dung, không phải công thức.', '2026-09-02 08:00:00');
CREATE TABLE loai (id INT PRIMARY KEY, ten TEXT);
INSERT INTO loai VALUES (1, 'Tin tức');
